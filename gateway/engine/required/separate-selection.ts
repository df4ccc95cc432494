import { Kind, type FieldNode, type SelectionNode, type SelectionSetNode } from 'graphql';
import type { Variants } from './variants.ts';

export interface SeparatedSelection {
  /** With variants in place of fields that take arguments. */
  readonly selectionSet: SelectionSetNode;
  /** Real path → the variants there, each with its type. Empty: nothing takes arguments. */
  readonly reads: ReadonlyMap<string, string>;
}

/** `types` are what the selection may be made of: one, or all that set a context. */
export function separateSelection(
  variants: Variants,
  types: readonly string[],
  set: SelectionSetNode,
): SeparatedSelection {
  const reads = new Map<string, string>();
  const inSet = (inner: SelectionSetNode, parents: readonly string[], path: string): SelectionSetNode => ({
    ...inner,
    selections: inner.selections.map((node): SelectionNode => {
      if (node.kind === Kind.FIELD) return inField(node, parents, path);
      if (node.kind === Kind.FRAGMENT_SPREAD) throw new Error('a field set cannot spread a fragment');
      const on = node.typeCondition ? [node.typeCondition.name.value] : parents;
      return { ...node, selectionSet: inSet(node.selectionSet, on, path) };
    }),
  });
  const inField = (node: FieldNode, parents: readonly string[], above: string): FieldNode => {
    const path = `${above}.${node.name.value}`;
    const found = parents.map((parent) => variants.fieldOf(parent, node.name.value));
    const below = found.map(({ type }) => type);
    const field = { ...node, selectionSet: node.selectionSet && inSet(node.selectionSet, below, path) };
    if (!found.some(({ hasArguments }) => hasArguments)) return field;
    const value = variants.nameOf(parents, node);
    reads.set(path, `${reads.get(path) ?? ''} ${parents.join('|')}:${value}`);
    return { ...field, name: { kind: Kind.NAME, value } };
  };
  return { selectionSet: inSet(set, types, ''), reads };
}
