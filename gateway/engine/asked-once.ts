import {
  Kind,
  type DirectiveNode,
  type FieldNode,
  type InlineFragmentNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { OperationAst } from './projection/selection.ts';
import { responseName } from './subscription-rules.ts';

/** A root field with all that must hold for it to be included; `if` of each is a variable. */
interface Root {
  readonly field: FieldNode;
  readonly conditions: readonly DirectiveNode[];
}

/**
 * A mutation in which each response name is asked for once under any variables: the planner runs `count @skip(if: $no) other count` as three. What is
 * asked for again is asked for with the first of those that are included. As it is where nothing repeats, or the conditions are too many to tell.
 */
export function askedOnce(ast: OperationAst): OperationAst {
  const { operation } = ast;
  if (operation.operation !== 'mutation') return ast;
  const roots = rootsOf(ast, operation.selectionSet, []);
  if (!roots) return ast;
  const byName = Map.groupBy(roots, ({ field }) => responseName(field));
  if (byName.size === roots.length) return ast;
  const selections: SelectionNode[] = [];
  for (const root of roots) {
    const all = byName.get(responseName(root.field)) ?? [];
    const at = all.indexOf(root);
    const before = all.slice(0, at).map(({ conditions }) => conditions);
    // Whoever is asked for without condition is run there at the latest.
    if (before.some(({ length }) => length === 0)) continue;
    if (before.some(({ length }) => length > 1)) return ast;
    const merged = withSelections(root.field, all.slice(at + 1));
    selections.push(under([...before.flat().map(opposite), ...root.conditions], [merged]));
  }
  return { ...ast, operation: { ...operation, selectionSet: { ...operation.selectionSet, selections } } };
}

/** Null where a fragment is put off: it is no place of its own to run anything. */
function rootsOf(
  ast: OperationAst,
  { selections }: SelectionSetNode,
  outer: readonly DirectiveNode[],
): Root[] | null {
  const roots: Root[] = [];
  for (const node of selections) {
    if (node.directives?.some(({ name }) => name.value === 'defer')) return null;
    const own = conditionsOf(node);
    if (!own) continue;
    const conditions = [...outer, ...own];
    if (node.kind === Kind.FIELD) {
      roots.push({ field: unconditional(node), conditions });
      continue;
    }
    const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : ast.fragments.get(node.name.value);
    const inner = fragment && rootsOf(ast, fragment.selectionSet, conditions);
    if (!inner) return null;
    roots.push(...inner);
  }
  return roots;
}

const isCondition = ({ name }: DirectiveNode) => name.value === 'skip' || name.value === 'include';

function isNever({ name, arguments: given }: DirectiveNode): boolean {
  const value = given?.[0]?.value;
  return value?.kind === Kind.BOOLEAN && value.value !== (name.value === 'include');
}

/** Null where it is never included. */
function conditionsOf({ directives = [] }: SelectionNode): DirectiveNode[] | null {
  const conditions = directives.filter(isCondition);
  if (conditions.some(isNever)) return null;
  return conditions.filter(({ arguments: given }) => given?.[0]?.value.kind === Kind.VARIABLE);
}

const unconditional = (field: FieldNode): FieldNode => ({
  ...field,
  directives: field.directives?.filter((directive) => !isCondition(directive)),
});

const opposite = (directive: DirectiveNode): DirectiveNode => ({
  ...directive,
  name: { kind: Kind.NAME, value: directive.name.value === 'skip' ? 'include' : 'skip' },
});

function withSelections(field: FieldNode, later: readonly Root[]): FieldNode {
  const { selectionSet } = field;
  if (!selectionSet) return field;
  const added = later.map(({ field: other, conditions }) =>
    under(conditions, other.selectionSet?.selections ?? []),
  );
  return { ...field, selectionSet: { ...selectionSet, selections: [...selectionSet.selections, ...added] } };
}

/** One inline fragment in the other: a place has one `@skip` and one `@include` at most. */
function under(
  [condition, ...others]: readonly DirectiveNode[],
  selections: readonly SelectionNode[],
): InlineFragmentNode {
  const inner = others.length > 0 ? [under(others, selections)] : selections;
  return {
    kind: Kind.INLINE_FRAGMENT,
    directives: condition ? [condition] : [],
    selectionSet: { kind: Kind.SELECTION_SET, selections: inner },
  };
}
