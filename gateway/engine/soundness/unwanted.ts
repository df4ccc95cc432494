import type { FetchNode } from '@apollo/query-planner';
import { getNamedType, Kind, type FieldNode, type SelectionNode, type SelectionSetNode } from 'graphql';
import { renamedPath } from '../plan/rewrites.ts';
import { ALWAYS, both, conditionsOf, implies, type Conditions } from './conditions.ts';
import { onType, setOf, TYPE_NAME_FIELD } from './early-fields.ts';
import type { Inspection } from './inspection.ts';
import { factsAt, type Source } from './known.ts';
import type { FetchText } from './read-fetch.ts';
import { TYPE_NAME } from './signature.ts';
import type { SubgraphRules } from './subgraph-rules.ts';
import { overlap } from './type-names.ts';

/** One fetch, whose selection is compared with what is wanted. */
export interface Comparison {
  readonly inspection: Inspection;
  readonly everybody: readonly SubgraphRules[];
  readonly renames: FetchNode['outputRewrites'];
}

/** What is selected of objects. */
interface At {
  readonly types: ReadonlySet<string>;
  /** What is wanted of them. */
  readonly wanted: readonly Source[];
  readonly conditions: Conditions;
  /** From the fetch's entities, in response names. */
  readonly path: readonly string[];
}

/** Fields of a selection that nobody wants of entities of `type`. Keys are no such fields: a subgraph that found an object has them. */
export function unwantedOf(
  comparison: Comparison,
  set: SelectionSetNode,
  type: string,
  wanted: readonly Source[],
): ReadonlySet<FieldNode> {
  const unwanted = new Set<FieldNode>();
  const conditions = commonOf(wanted.map(({ under }) => under));
  compare(comparison, unwanted, set, { types: new Set([type]), wanted, conditions, path: [] });
  return unwanted;
}

function compare(comparison: Comparison, unwanted: Set<FieldNode>, set: SelectionSetNode, at: At): void {
  const { types } = comparison.inspection;
  for (const node of set.selections) {
    const own = conditionsOf(node);
    const conditions = own && both(at.conditions, own);
    if (!conditions) continue;
    const inner = { ...at, conditions };
    if (node.kind === Kind.FIELD) compareField(comparison, unwanted, node, inner);
    else if (node.kind === Kind.INLINE_FRAGMENT) {
      const on = node.typeCondition?.name.value;
      const left = on === undefined ? at.types : types.meet(at.types, types.of(on));
      if (left?.size) compare(comparison, unwanted, node.selectionSet, { ...inner, types: left });
    }
  }
}

function compareField(comparison: Comparison, unwanted: Set<FieldNode>, node: FieldNode, at: At): void {
  if (node.name.value === TYPE_NAME) return;
  const { types, conditions, wanted } = at;
  const path = [...at.path, (node.alias ?? node.name).value];
  const key = String(renamedPath(comparison.renames, path).at(-1));
  const found = [...factsAt(wanted, key)].filter(
    ({ fact, under }) => overlap(fact.types, types) && (fact.what === null || isOneCase(under, conditions)),
  );
  if (found.length === 0 && !isKey(comparison, types, node)) {
    unwanted.add(node);
    return;
  }
  if (!node.selectionSet) return;
  const below = found.flatMap(({ fact, under }) => (fact.inner ? [{ known: fact.inner, under }] : []));
  const returned = typesBelow(comparison.inspection, types, node);
  compare(comparison, unwanted, node.selectionSet, { types: returned, wanted: below, conditions, path });
}

const isOneCase = (one: Conditions, other: Conditions) => implies(one, other) || implies(other, one);

const commonOf = ([first = ALWAYS, ...others]: readonly Conditions[]): Conditions =>
  first.filter((literal) => others.every((one) => one.includes(literal)));

/** Whether some subgraph finds such objects by the field. */
const isKey = (
  { inspection, everybody }: Comparison,
  types: ReadonlySet<string>,
  { name }: FieldNode,
): boolean =>
  everybody.some((rules) =>
    [...types]
      .flatMap((type) => [type, ...interfacesOf(inspection, type)])
      .flatMap((type) => rules.type(type)?.keys ?? [])
      .some(({ selections }) =>
        selections.some((one) => one.kind === Kind.FIELD && one.name.value === name.value),
      ),
  );

export function interfacesOf({ schema }: Inspection, name: string): string[] {
  const type = schema.getType(name);
  return type && 'getInterfaces' in type ? type.getInterfaces().map((one) => one.name) : [];
}

function typesBelow(
  { schema, types: sets }: Inspection,
  types: ReadonlySet<string>,
  { name }: FieldNode,
): ReadonlySet<string> {
  const returned = [...types].flatMap((parent) => {
    const type = schema.getType(parent);
    const field = type && 'getFields' in type ? type.getFields()[name.value] : undefined;
    return field ? [...sets.of(getNamedType(field.type).name)] : [];
  });
  return new Set(returned);
}

/** The selection with fragments in place of their names, of which each node stands in one place. */
export const spreadOut = (set: SelectionSetNode, fragments: FetchText['fragments']): SelectionSetNode =>
  setOf(
    set.selections.flatMap((node): readonly SelectionNode[] => {
      if (node.kind === Kind.FIELD) {
        const { selectionSet } = node;
        return [{ ...node, selectionSet: selectionSet && spreadOut(selectionSet, fragments) }];
      }
      const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : fragments.get(node.name.value);
      if (!fragment) return [];
      const inner = spreadOut(fragment.selectionSet, fragments);
      return onType(fragment.typeCondition?.name.value, inner, node.directives);
    }),
  );

/** Empty where nothing is left. */
export function without(unwanted: ReadonlySet<FieldNode>, set: SelectionSetNode): SelectionSetNode {
  const selections = set.selections.flatMap((node): readonly SelectionNode[] => {
    if (node.kind === Kind.FRAGMENT_SPREAD) return [node];
    if (node.kind === Kind.INLINE_FRAGMENT)
      return onType(node.typeCondition?.name.value, without(unwanted, node.selectionSet), node.directives);
    if (unwanted.has(node)) return [];
    const inner = node.selectionSet && without(unwanted, node.selectionSet);
    return [{ ...node, selectionSet: inner?.selections.length === 0 ? setOf([TYPE_NAME_FIELD]) : inner }];
  });
  return setOf(selections);
}
