import {
  getNamedType,
  Kind,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type FieldNode,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import type { OperationAst } from '../projection/selection.ts';
import { deferLabelOf, type DeferringAst } from './resolve-defers.ts';

/** Interfaces that some subgraph knows as an object (`@interfaceObject`), and the interfaces that these implement. */
export function interfaceObjectsOf(supergraph: DocumentNode): ReadonlySet<string> {
  const names = new Set<string>();
  for (const definition of supergraph.definitions) {
    if (definition.kind !== Kind.INTERFACE_TYPE_DEFINITION) continue;
    const given = definition.directives?.flatMap((directive) => directive.arguments ?? []) ?? [];
    const isObject = given.some(
      ({ name, value }) => name.value === 'isInterfaceObject' && value.kind === Kind.BOOLEAN && value.value,
    );
    if (!isObject) continue;
    for (const { name } of [definition, ...(definition.interfaces ?? [])]) names.add(name.value);
  }
  return names;
}

/**
 * Without `@defer` on objects that may come from a subgraph which does not know their type, where other subgraphs have to tell it: the planner may
 * follow such a plan in circles until memory ends. What was to be deferred is answered with what is around it, as a server may always do.
 */
export function plannableDefers(
  schema: GraphQLSchema,
  interfaceObjects: ReadonlySet<string>,
  { ast, labels }: DeferringAst,
): DeferringAst {
  if (interfaceObjects.size === 0) return { ast, labels };
  const kept = new Map(labels);
  const types = new TypeInfo(schema);
  /** Whether the fields that are entered return such objects. */
  const entered: boolean[] = [];
  const enter = ({ selectionSet }: FieldNode) => {
    const name = getNamedType(types.getType())?.name ?? '';
    entered.push(interfaceObjects.has(name) && narrows(ast, selectionSet, name));
  };
  const operation = visit(
    ast.operation,
    visitWithTypeInfo(types, {
      Field: { enter, leave: () => void entered.pop() },
      InlineFragment(fragment) {
        const label = deferLabelOf(fragment);
        if (label === undefined || entered.at(-1) !== true) return undefined;
        kept.delete(label);
        return { ...fragment, directives: fragment.directives?.filter(({ name }) => name.value !== 'defer') };
      },
    }),
  );
  return { ast: { ...ast, operation }, labels: kept };
}

/** Whether a selection asks for the objects of some type other than the field's. */
function narrows({ fragments }: OperationAst, set: SelectionSetNode | undefined, type: string): boolean {
  const inSet = ({ selections }: SelectionSetNode): boolean =>
    selections.some((node) => {
      if (node.kind === Kind.FIELD) return false;
      const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : fragments.get(node.name.value);
      if (!fragment) return false;
      const on = fragment.typeCondition?.name.value ?? type;
      return on !== type || inSet(fragment.selectionSet);
    });
  return set !== undefined && inSet(set);
}
