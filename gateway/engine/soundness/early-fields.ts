import {
  isListType,
  isNonNullType,
  Kind,
  print,
  type DirectiveNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type GraphQLType,
  type GraphQLSchema,
  type InlineFragmentNode,
  type SelectionNode,
  type SelectionSetNode,
} from 'graphql';
import type { ResponsePath } from '../plan/execution.ts';
import { TYPE_NAME } from './signature.ts';
import { isHere, isProvided, placeBelow, placeOn, resolvedHere, type Place } from './subgraph-place.ts';
import type { SubgraphRules } from './subgraph-rules.ts';
import { waysTo } from './ways-to-field.ts';

/** A field that a fetch asks for though what it requires may not be there yet, or though another subgraph resolves it. */
export interface EarlyField {
  /** To its objects from those that the fetch is about, in the planner's notation. */
  readonly path: ResponsePath;
  /** What the subgraph calls the objects' type. */
  readonly type: string;
  readonly field: FieldNode;
  /** Of the fragments that it stands in, from the outside in. */
  readonly conditions: readonly (readonly DirectiveNode[])[];
}

/** One fetch, read to take such fields out of it. */
export interface EarlyReading {
  /** The full one. */
  readonly schema: GraphQLSchema;
  readonly rules: SubgraphRules;
  /** All subgraphs. */
  readonly everybody: readonly SubgraphRules[];
  readonly overrides: ReadonlyMap<string, boolean>;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
  /** Whether a field that requires something may stay: the fetch was made for it, and sends just that. */
  readonly isOwn: (field: FieldNode) => boolean;
  readonly taken: EarlyField[];
  /** Fields of other subgraphs, of objects that these cannot be asked for: somebody must have fetched them with what is around. */
  readonly dropped: FieldNode[];
}

/** Where a selection stands. */
interface At {
  readonly place: Place;
  readonly path: ResponsePath;
  readonly conditions: EarlyField['conditions'];
}

/**
 * The selection without fields of other subgraphs and without those that require something. They are `taken`, and the keys by which their objects are
 * found again take their place. Fragments are written out.
 */
export function withoutEarly(reading: EarlyReading, set: SelectionSetNode, at: At): SelectionSetNode {
  const selections = set.selections.flatMap((node): readonly SelectionNode[] => {
    if (node.kind === Kind.FIELD) return ofField(reading, node, at);
    const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : reading.fragments.get(node.name.value);
    const place =
      fragment && placeOn(reading.rules, at.place, fragment.typeCondition?.name.value ?? at.place.type.name);
    if (!place) return [node];
    const conditions = node.directives?.length ? [...at.conditions, node.directives] : at.conditions;
    const inner = withoutEarly(reading, fragment.selectionSet, { ...at, place, conditions });
    return onType(fragment.typeCondition?.name.value, inner, node.directives);
  });
  return setOf(selections);
}

function ofField(reading: EarlyReading, field: FieldNode, at: At): readonly SelectionNode[] {
  if (field.name.value === TYPE_NAME) return [field];
  const { within } = at.place;
  const states = within.map((type) => stateOf(reading, field, type, at));
  if (states.every((state) => state === 'here')) return withInner(reading, field, at);
  return within.flatMap((type, index) => {
    const place = placeOn(reading.rules, at.place, type);
    if (!place) return [];
    const own =
      states[index] === 'here'
        ? withInner(reading, field, { ...at, place })
        : takeOut(reading, field, type, at, states[index] === 'elsewhere');
    return within.length === 1 ? own : onType(type, setOf(own));
  });
}

function stateOf(
  { rules, overrides, isOwn }: EarlyReading,
  field: FieldNode,
  type: string,
  { place, path }: At,
): 'here' | 'early' | 'elsewhere' {
  const name = field.name.value;
  const rule = rules.type(type)?.field(name);
  // A key that another subgraph finds its objects by, for one.
  if (!rule) return 'elsewhere';
  if (!isHere(overrides, rule) || (rule.isExternal && !isProvided(rules, place, type, name)))
    return 'elsewhere';
  if (!rule.requires || resolvedHere(rules, type, place.provided, rule.requires)) return 'here';
  return path.length === 0 && isOwn(field) ? 'here' : 'early';
}

function takeOut(
  reading: EarlyReading,
  field: FieldNode,
  type: string,
  { place, path, conditions }: At,
  isElsewhere: boolean,
): readonly SelectionNode[] {
  const early = { path, type, field, conditions };
  if (waysTo(reading, early).length > 0) {
    reading.taken.push(early);
    return [TYPE_NAME_FIELD, ...keysHere(reading, type, place)];
  }
  if (!isElsewhere) return [field];
  reading.dropped.push(field);
  return [];
}

/** Whatever somebody finds such objects by, as far as this subgraph has it. */
function keysHere({ rules, everybody }: EarlyReading, type: string, { provided }: Place): SelectionNode[] {
  const keys = everybody.flatMap((one) => one.type(type)?.keys ?? []);
  const known = keys.filter((key) => resolvedHere(rules, type, provided, key));
  return [...new Map(known.map((key) => [print(key), key.selections])).values()].flat();
}

function withInner(reading: EarlyReading, field: FieldNode, at: At): readonly SelectionNode[] {
  const below = placeBelow(reading.rules, field, at.place);
  if (!below || !field.selectionSet) return [field];
  const name = (field.alias ?? field.name).value;
  const path = [...at.path, name, ...listsOf(reading.schema, at.place.type.name, field.name.value)];
  const inner = { place: below.place, path, conditions: [] };
  const selectionSet = withoutEarly(reading, field.selectionSet, inner);
  return selectionSet.selections.length > 0 ? [{ ...field, selectionSet }] : [];
}

/** `@` for each list that a field returns within the other. */
function listsOf(schema: GraphQLSchema, parent: string, name: string): string[] {
  const type = schema.getType(parent);
  const field = type && 'getFields' in type ? type.getFields()[name] : undefined;
  const levels: string[] = [];
  let value: GraphQLType | undefined = field?.type;
  while (value) {
    if (isListType(value)) levels.push('@');
    value = isListType(value) || isNonNullType(value) ? value.ofType : undefined;
  }
  return levels;
}

export const setOf = (selections: SelectionSetNode['selections']): SelectionSetNode => ({
  kind: Kind.SELECTION_SET,
  selections,
});

/** A fragment, if there is anything in it. */
export function onType(
  type: string | undefined,
  selectionSet: SelectionSetNode,
  directives: readonly DirectiveNode[] = [],
): readonly InlineFragmentNode[] {
  if (selectionSet.selections.length === 0) return [];
  const name = type === undefined ? undefined : ({ kind: Kind.NAME, value: type } as const);
  const typeCondition = name && ({ kind: Kind.NAMED_TYPE, name } as const);
  return [{ kind: Kind.INLINE_FRAGMENT, typeCondition, directives, selectionSet }];
}

export const TYPE_NAME_FIELD: FieldNode = { kind: Kind.FIELD, name: { kind: Kind.NAME, value: TYPE_NAME } };
