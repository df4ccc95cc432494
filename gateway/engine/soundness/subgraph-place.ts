import { Kind, type FieldNode, type SelectionSetNode } from 'graphql';
import type { FieldRules, SubgraphRules, TypeRules } from './subgraph-rules.ts';

/** Objects within one subgraph's answer. */
export interface Place {
  readonly type: TypeRules;
  /** The subgraph's own types that they may be of. */
  readonly within: readonly string[];
  /** What `@provides` above gives of them. */
  readonly provided: readonly SelectionSetNode[];
}

/** Whether a progressive `@override` leaves the field here. */
export const isHere = (overrides: ReadonlyMap<string, boolean>, { label }: FieldRules): boolean =>
  label === null || (overrides.get(label.name) === true) === label.holds;

/** Whether a field that is another subgraph's is given on this way. */
export const isProvided = (rules: SubgraphRules, { provided }: Place, type: string, name: string): boolean =>
  provided.some((set) => provides(rules, set, type, name).length > 0);

/** Fields of that name that a set selects of objects of `type`, each with what is below. */
function provides(
  rules: SubgraphRules,
  set: SelectionSetNode,
  type: string,
  name: string,
): readonly (SelectionSetNode | null)[] {
  return set.selections.flatMap((node) => {
    if (node.kind === Kind.FIELD) return node.name.value === name ? [node.selectionSet ?? null] : [];
    if (node.kind === Kind.FRAGMENT_SPREAD) return [];
    const on = node.typeCondition?.name.value;
    if (on !== undefined && on !== type && !rules.type(on)?.own.includes(type)) return [];
    return provides(rules, node.selectionSet, type, name);
  });
}

/** Where a fragment on `name` leads; undefined where the subgraph does not know the type. */
export function placeOn(rules: SubgraphRules, place: Place, name: string): Place | undefined {
  if (name === place.type.name) return place;
  const type = rules.type(name);
  return type && { ...place, type, within: place.within.filter((one) => type.own.includes(one)) };
}

/** What a field leads to. */
interface Below {
  readonly place: Place;
  /** Types of the supergraph that it may be of. */
  readonly stands: ReadonlySet<string>;
}

/** Where a field leads within the subgraph; undefined for a leaf. */
export function placeBelow(rules: SubgraphRules, field: FieldNode, place: Place): Below | undefined {
  const name = field.name.value;
  const found = place.within.flatMap((one) => rules.type(one)?.field(name) ?? []);
  const declared = place.type.field(name) ?? found[0];
  const type = declared && rules.type(declared.type);
  if (!type) return undefined;
  const kinds = [...new Set(found.map((rule) => rule.type))].flatMap((kind) => rules.type(kind) ?? []);
  const [only] = kinds;
  const within = kinds.length === 1 && only ? only.own : [...new Set(kinds.flatMap(({ own }) => own))];
  const [stands, ...others] = new Set(found.map((rule) => rule.stands));
  return {
    place: { type, within, provided: providedBelow(rules, place, name) },
    stands: stands && others.length === 0 ? stands : new Set(found.flatMap((rule) => [...rule.stands])),
  };
}

/** What is provided below a field: by itself, where all that it may mean do, and by what is above. */
function providedBelow(
  rules: SubgraphRules,
  { type, within, provided }: Place,
  name: string,
): readonly SelectionSetNode[] {
  if (provided.length === 0 && !within.some((one) => rules.type(one)?.field(name)?.provides)) {
    const own = type.field(name)?.provides;
    return own ? [own] : NOTHING;
  }
  const found = within.map((one) => rules.type(one)?.field(name)?.provides ?? null);
  const own = type.field(name)?.provides ?? (found.includes(null) ? null : found[0]);
  const above = within.flatMap((one) => provided.flatMap((set) => provides(rules, set, one, name)));
  return [...(own ? [own] : []), ...above.filter((set) => set !== null)];
}

const NOTHING: readonly SelectionSetNode[] = [];

/** Whether a subgraph has all of a set itself at this place, so that nobody need send it. */
export function resolvedHere(
  rules: SubgraphRules,
  type: string,
  provided: readonly SelectionSetNode[],
  set: SelectionSetNode,
): boolean {
  return set.selections.every((node) => {
    if (node.kind === Kind.FRAGMENT_SPREAD) return false;
    if (node.kind === Kind.INLINE_FRAGMENT) {
      const on = node.typeCondition?.name.value;
      const isOther = on !== undefined && on !== type && !rules.type(on)?.own.includes(type);
      return isOther || resolvedHere(rules, type, provided, node.selectionSet);
    }
    const name = node.name.value;
    if (name === '__typename') return true;
    const rule = rules.type(type)?.field(name);
    if (!rule) return false;
    const given = provided.flatMap((one) => provides(rules, one, type, name));
    if (rule.isExternal && given.length === 0) return false;
    const inner = node.selectionSet;
    const below = given.filter((one) => one !== null);
    const own = rules.type(rule.type)?.own ?? [];
    return !inner || own.every((one) => resolvedHere(rules, one, below, inner));
  });
}
