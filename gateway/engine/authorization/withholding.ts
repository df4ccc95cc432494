import { Kind, type FieldNode, type SelectionNode, type SelectionSetNode } from 'graphql';
import type { OperationAst } from '../projection/selection.ts';

/** Marks what a caller must not see, all the way down. */
export interface Withholding {
  /** The marked fields: copies, since a fragment may be spread elsewhere as well, where its fields may be seen. */
  readonly withheld: ReadonlySet<FieldNode>;
  field(node: FieldNode): FieldNode;
  /** Named fragments are written out. */
  selection(node: SelectionNode): SelectionNode;
}

/** Answered from the schema, or by an object that may be seen. */
export const introspects = ({ name }: FieldNode): boolean => name.value.startsWith('__');

export function createWithholding(fragments: OperationAst['fragments']): Withholding {
  const withheld = new Set<FieldNode>();
  const known = new Map<SelectionSetNode, SelectionSetNode>();
  const field = (node: FieldNode): FieldNode => {
    const selectionSet = node.selectionSet && inSet(node.selectionSet);
    const marked = { ...node, ...(selectionSet && { selectionSet }) };
    withheld.add(marked);
    return marked;
  };
  const selection = (node: SelectionNode): SelectionNode => {
    if (node.kind === Kind.FIELD) return introspects(node) ? node : field(node);
    const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : fragments.get(node.name.value);
    if (!fragment) return node;
    const { typeCondition } = fragment;
    const selectionSet = inSet(fragment.selectionSet);
    return { kind: Kind.INLINE_FRAGMENT, typeCondition, directives: node.directives, selectionSet };
  };
  const inSet = (set: SelectionSetNode): SelectionSetNode => {
    let marked = known.get(set);
    if (!marked) known.set(set, (marked = { ...set, selections: set.selections.map(selection) }));
    return marked;
  };
  return { withheld, field, selection };
}
