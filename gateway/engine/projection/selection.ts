import {
  isAbstractType,
  Kind,
  typeFromAST,
  type ASTNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLCompositeType,
  type GraphQLSchema,
  type OperationDefinitionNode,
  type SelectionNode,
  type SelectionSetNode,
  visit,
} from 'graphql';
import { deferLabelOf } from '../incremental/resolve-defers.ts';

/** One operation of a document with the fragments it may use. */
export interface OperationAst {
  readonly operation: OperationDefinitionNode;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Fields that the caller must not see, where there are any. */
  readonly withheld?: ReadonlySet<FieldNode>;
}

/** Values of the variables that `@skip` and `@include` read. */
export type Conditions = ReadonlyMap<string, boolean>;

/** Names of the variables that `@skip` and `@include` read, in order of appearance. */
export function conditionVariables({ operation, fragments }: OperationAst): string[] {
  const names = new Set<string>();
  const collect = (node: ASTNode) =>
    visit(node, {
      Directive({ name, arguments: given }) {
        if (name.value !== 'skip' && name.value !== 'include') return;
        for (const { value } of given ?? []) if (value.kind === Kind.VARIABLE) names.add(value.name.value);
      },
    });
  collect(operation);
  for (const fragment of fragments.values()) collect(fragment);
  return [...names];
}

/** A fragment that is delivered later. */
export interface DeferredFragment {
  readonly label: string;
  readonly selectionSet: SelectionSetNode;
}

/** Told of what a collection leaves out. */
export interface SelectionListener {
  readonly onDeferred: (fragment: DeferredFragment) => void;
  /** A fragment on another type, which objects of an abstract type may yet be of, and which selects something under these conditions. */
  readonly onOtherType: () => void;
}

/** Fields by response name, in the client's order, that apply to an object of `type`. */
export function collectFields(
  schema: GraphQLSchema,
  { fragments }: OperationAst,
  conditions: Conditions,
  type: GraphQLCompositeType,
  sets: readonly SelectionSetNode[],
  listener?: SelectionListener,
): Map<string, FieldNode[]> {
  const fields = new Map<string, FieldNode[]>();
  const visited = new Set<string>();
  const add = (set: SelectionSetNode) => {
    for (const selection of set.selections) {
      if (!isIncluded(selection, conditions)) continue;
      if (selection.kind === Kind.FIELD) {
        const key = selection.alias?.value ?? selection.name.value;
        fields.set(key, [...(fields.get(key) ?? []), selection]);
        continue;
      }
      if (selection.kind === Kind.FRAGMENT_SPREAD) {
        if (visited.has(selection.name.value)) continue;
        visited.add(selection.name.value);
      }
      const fragment =
        selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
      if (!fragment) continue;
      const label = listener && deferLabelOf(selection);
      if (!applies(schema, fragment, type)) {
        if (listener && selectsField(fragment.selectionSet, fragments, conditions)) listener.onOtherType();
      } else if (label === undefined) add(fragment.selectionSet);
      else listener?.onDeferred({ label, selectionSet: fragment.selectionSet });
    }
  };
  for (const set of sets) add(set);
  return fields;
}

/** Whether anything is left of a selection once conditions are decided. Fragments cannot contain themselves: the document was validated. */
function selectsField(
  { selections }: SelectionSetNode,
  fragments: OperationAst['fragments'],
  conditions: Conditions,
): boolean {
  return selections.some((selection) => {
    if (!isIncluded(selection, conditions)) return false;
    if (selection.kind === Kind.FIELD) return true;
    const fragment =
      selection.kind === Kind.INLINE_FRAGMENT ? selection : fragments.get(selection.name.value);
    return fragment !== undefined && selectsField(fragment.selectionSet, fragments, conditions);
  });
}

function applies(
  schema: GraphQLSchema,
  { typeCondition }: { typeCondition?: FragmentDefinitionNode['typeCondition'] },
  type: GraphQLCompositeType,
): boolean {
  if (!typeCondition) return true;
  const condition = typeFromAST(schema, typeCondition);
  if (condition === type) return true;
  return isAbstractType(condition) && !('getTypes' in type) && schema.isSubType(condition, type);
}

function isIncluded({ directives }: SelectionNode, conditions: Conditions): boolean {
  for (const { name, arguments: given } of directives ?? []) {
    if (name.value !== 'skip' && name.value !== 'include') continue;
    const value = given?.[0]?.value;
    const condition =
      value?.kind === Kind.VARIABLE
        ? conditions.get(value.name.value) === true
        : value?.kind === Kind.BOOLEAN && value.value;
    if (condition === (name.value === 'skip')) return false;
  }
  return true;
}
