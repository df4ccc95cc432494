import type { FetchNode } from '@apollo/query-planner';
import { getNamedType, Kind, type FieldNode, type SelectionSetNode } from 'graphql';
import { renamedPath } from '../plan/rewrites.ts';
import { ALWAYS, both, conditionsOf, implies, type Conditions } from './conditions.ts';
import type { Inspection } from './inspection.ts';
import { factsAt, type Candidate, type Source } from './known.ts';
import { TYPE_NAME } from './signature.ts';
import type { SubgraphRules } from './subgraph-rules.ts';
import { overlap } from './type-names.ts';

/** Fields of a selection that nobody wants (null), or nobody but under these conditions. */
export type Surplus = ReadonlyMap<FieldNode, Conditions | null>;

/** One fetch, whose selection is compared with what is wanted. */
export interface Comparison {
  readonly inspection: Inspection;
  readonly everybody: readonly SubgraphRules[];
  readonly renames: FetchNode['outputRewrites'];
  /** When it runs. */
  readonly under: Conditions;
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

/** What of a selection is not wanted of entities of `type`. Keys are no such fields: a subgraph that found an object has them. */
export function surplusOf(
  comparison: Comparison,
  set: SelectionSetNode,
  type: string,
  wanted: readonly Source[],
): Surplus {
  const surplus: Found = new Map();
  const conditions = both(comparison.under, commonOf(wanted.map(({ under }) => under)));
  if (conditions) compare(comparison, surplus, set, { types: new Set([type]), wanted, conditions, path: [] });
  return surplus;
}

type Found = Map<FieldNode, Conditions | null>;

function compare(comparison: Comparison, surplus: Found, set: SelectionSetNode, at: At): void {
  const { types } = comparison.inspection;
  for (const node of set.selections) {
    const own = conditionsOf(node);
    const conditions = own && both(at.conditions, own);
    if (!conditions) continue;
    const inner = { ...at, conditions };
    if (node.kind === Kind.FIELD) compareField(comparison, surplus, node, inner);
    else if (node.kind === Kind.INLINE_FRAGMENT) {
      const on = node.typeCondition?.name.value;
      const left = on === undefined ? at.types : types.meet(at.types, types.of(on));
      if (left?.size) compare(comparison, surplus, node.selectionSet, { ...inner, types: left });
    }
  }
}

function compareField(comparison: Comparison, surplus: Found, node: FieldNode, at: At): void {
  if (node.name.value === TYPE_NAME) return;
  const { types, conditions, wanted } = at;
  const path = [...at.path, (node.alias ?? node.name).value];
  const key = String(renamedPath(comparison.renames, path).at(-1));
  const found = [...factsAt(wanted, key)].filter(
    ({ fact, under }) => overlap(fact.types, types) && (fact.what === null || isOneCase(under, conditions)),
  );
  const only = conditionsToAdd(found, conditions);
  const isSurplus = found.length === 0 || only.length > 0;
  if (isSurplus && !isKey(comparison, types, node)) surplus.set(node, found.length === 0 ? null : only);
  if (!node.selectionSet || surplus.get(node) === null) return;
  const below = found.flatMap(({ fact, under }) => (fact.inner ? [{ known: fact.inner, under }] : []));
  const returned = typesBelow(comparison.inspection, types, node);
  compare(comparison, surplus, node.selectionSet, {
    types: returned,
    wanted: below,
    conditions: both(conditions, only) ?? conditions,
    path,
  });
}

/** Those under which alone a field is wanted, beyond those that it stands under. */
const conditionsToAdd = (found: readonly Candidate[], conditions: Conditions): Conditions =>
  found.some(({ fact }) => fact.what === null)
    ? ALWAYS
    : commonOf(found.map(({ under }) => under)).filter((literal) => !conditions.includes(literal));

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
