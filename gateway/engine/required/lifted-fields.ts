import {
  Kind,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLSchema,
  type InterfaceTypeDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { OperationAst } from '../projection/selection.ts';
import { booleanArgument, enumArgument, REQUIRES, stringArgument } from './join-directives.ts';

/** Interface → fields of it. */
export type LiftableFields = ReadonlyMap<string, ReadonlySet<string>>;

/**
 * Fields that some subgraph resolves for an interface which it knows as an object, and requires something for; of interfaces that another subgraph
 * knows as an object, too.
 */
export function liftableFieldsOf({ definitions }: DocumentNode): LiftableFields {
  const liftable = new Map<string, ReadonlySet<string>>();
  for (const definition of definitions) {
    if (definition.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue;
    const graphs = objectGraphsOf(definition);
    if (graphs.size < 2) continue;
    const fields = (definition.fields ?? []).filter(({ directives = [] }) =>
      directives.some(
        (one) => graphs.has(enumArgument(one, 'graph')) && stringArgument(one, REQUIRES) !== undefined,
      ),
    );
    if (fields.length > 0) liftable.set(definition.name.value, new Set(fields.map(({ name }) => name.value)));
  }
  return liftable;
}

const objectGraphsOf = ({ directives = [] }: InterfaceTypeDefinitionNode) =>
  new Set(
    directives
      .filter((one) => booleanArgument(one, 'isInterfaceObject'))
      .map((one) => enumArgument(one, 'graph')),
  );

/**
 * The operation with such fields selected of all objects of the interface, without conditions, where it selects them of some type's only or under
 * conditions. Where neither the subgraph that brings an object nor the one that resolves the field knows its type, the planner follows a plan
 * for the former in circles until memory ends, and fails at the latter. The answer is read as the operation was. No two fields of `ast` share a response
 * name without being the same: see private-names.ts.
 */
export function liftFields(schema: GraphQLSchema, liftable: LiftableFields, ast: OperationAst): OperationAst {
  if (liftable.size === 0) return ast;
  const fragments = new Map<string, FragmentDefinitionNode>();
  const fragmentOf = (name: string): FragmentDefinitionNode | undefined => {
    const given = ast.fragments.get(name);
    if (given && !fragments.has(name)) fragments.set(name, lifted(given));
    return fragments.get(name);
  };
  const lifted = <N extends FragmentDefinitionNode | OperationAst['operation']>(definition: N): N => {
    const types = new TypeInfo(schema);
    const leave = (set: SelectionSetNode) => {
      const fields = liftable.get(types.getParentType()?.name ?? '');
      return fields && liftOut(set, fields, fragmentOf);
    };
    return visit(definition, visitWithTypeInfo(types, { SelectionSet: { leave } }));
  };
  const operation = lifted(ast.operation);
  for (const name of ast.fragments.keys()) fragmentOf(name);
  return { ...ast, operation, fragments };
}

type FragmentOf = (name: string) => FragmentDefinitionNode | undefined;

/** Undefined where nothing changes. */
function liftOut(
  set: SelectionSetNode,
  fields: ReadonlySet<string>,
  fragmentOf: FragmentOf,
): SelectionSetNode | undefined {
  const out: FieldNode[] = [];
  const kept = withoutFields(set, fields, fragmentOf, out);
  const isLifted = out.some((field) => field.directives?.length || !set.selections.includes(field));
  if (!isLifted) return undefined;
  return { ...set, selections: [...kept, ...out.map((field) => ({ ...field, directives: [] }))] };
}

/** What is left of a selection; adds to `out` what is taken from it. */
function withoutFields(
  { selections }: SelectionSetNode,
  fields: ReadonlySet<string>,
  fragmentOf: FragmentOf,
  out: FieldNode[],
): readonly SelectionNode[] {
  return selections.flatMap((node): readonly SelectionNode[] => {
    if (node.kind === Kind.FIELD) {
      if (!fields.has(node.name.value)) return [node];
      out.push(node);
      return [];
    }
    const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : fragmentOf(node.name.value);
    const before = out.length;
    const inner = fragment ? withoutFields(fragment.selectionSet, fields, fragmentOf, out) : [];
    if (!fragment || out.length === before) return [node];
    if (inner.length === 0) return [];
    const selectionSet: SelectionSetNode = { kind: Kind.SELECTION_SET, selections: inner };
    const { typeCondition } = fragment;
    return [{ kind: Kind.INLINE_FRAGMENT, typeCondition, directives: node.directives, selectionSet }];
  });
}
