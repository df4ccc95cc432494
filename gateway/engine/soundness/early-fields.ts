import {
  isListType,
  isNonNullType,
  Kind,
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

/** A field that a fetch asks for before it sends what the field requires, or though another subgraph resolves it. */
export interface EarlyField {
  /** What does resolve it. */
  readonly rules: SubgraphRules;
  /** To its objects from those that the fetch is about, in the planner's notation. */
  readonly path: ResponsePath;
  /** What the subgraph calls the objects' type. */
  readonly type: string;
  readonly field: FieldNode;
  /** Of the fragments that it stands in, from the outside in. */
  readonly conditions: readonly (readonly DirectiveNode[])[];
  /** By which the subgraph finds the objects; null where they are those that the fetch is about. */
  readonly key: SelectionSetNode | null;
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
  /** Whether the fetch sends so much of entities of some type that it is about. */
  readonly sends: (needed: SelectionSetNode) => boolean;
  readonly taken: EarlyField[];
  /** Those of other subgraphs, which may or may not be among the former. */
  readonly dropped: FieldNode[];
}

/** Where a selection stands. */
interface At {
  readonly place: Place;
  readonly path: ResponsePath;
  readonly conditions: EarlyField['conditions'];
  readonly isEntity: boolean;
}

/**
 * The selection without fields that the subgraph cannot resolve here: those of others, and those that lack what they require. They are `taken`, and the
 * keys by which their objects are found again take their place. What nobody resolves by such a key must be fetched by somebody already. Fragments are
 * written out.
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
  return { kind: Kind.SELECTION_SET, selections };
}

function ofField(reading: EarlyReading, field: FieldNode, at: At): readonly SelectionNode[] {
  if (field.name.value === TYPE_NAME) return [field];
  const { within } = at.place;
  const states = within.map((type) => stateOf(reading, field.name.value, type, at));
  if (states.every((state) => state === 'here')) return withInner(reading, field, at);
  return within.flatMap((type, index) => {
    const place = placeOn(reading.rules, at.place, type);
    if (!place) return [];
    const own =
      states[index] === 'here'
        ? withInner(reading, field, { ...at, place })
        : takeOut(reading, field, type, at, states[index] === 'elsewhere');
    return within.length === 1 ? own : onType(type, { kind: Kind.SELECTION_SET, selections: own });
  });
}

function stateOf(
  { rules, sends }: EarlyReading,
  name: string,
  type: string,
  { place, isEntity }: At,
): 'here' | 'early' | 'elsewhere' {
  const rule = rules.type(type)?.field(name);
  if (!rule) return 'here';
  if (rule.isExternal && !isProvided(rules, place, type, name)) return 'elsewhere';
  if (!rule.requires || resolvedHere(rules, type, place.provided, rule.requires)) return 'here';
  return isEntity && sends(rule.requires) ? 'here' : 'early';
}

function takeOut(
  reading: EarlyReading,
  field: FieldNode,
  type: string,
  at: At,
  isElsewhere: boolean,
): readonly SelectionNode[] {
  if (isElsewhere) reading.dropped.push(field);
  for (const rules of isElsewhere ? reading.everybody : [reading.rules]) {
    const rule = rules.type(type)?.field(field.name.value);
    if (!rule || rule.isExternal || !isHere(reading.overrides, rule)) continue;
    const key = keyFor(reading, rules, type, at);
    if (key === undefined) continue;
    const { path, conditions } = at;
    reading.taken.push({ rules, path, type, field, conditions, key });
    return key ? [TYPE_NAME_FIELD, ...key.selections] : [];
  }
  return isElsewhere ? [] : [field];
}

/** A key by which `rules` find an object that is known here; null where the fetch sends one itself. */
function keyFor(
  { rules: own, sends }: EarlyReading,
  rules: SubgraphRules,
  type: string,
  { place, isEntity }: At,
): SelectionSetNode | null | undefined {
  const found = rules.type(type);
  if (!found || found.isInterfaceObject) return undefined;
  if (isEntity) return found.keys.some(sends) ? null : undefined;
  return found.keys.find((key) => resolvedHere(own, type, place.provided, key));
}

function withInner(reading: EarlyReading, field: FieldNode, at: At): readonly SelectionNode[] {
  const below = placeBelow(reading.rules, field, at.place);
  if (!below || !field.selectionSet) return [field];
  const name = (field.alias ?? field.name).value;
  const path = [...at.path, name, ...listsOf(reading.schema, at.place.type.name, field.name.value)];
  const inner = { place: below.place, path, conditions: [], isEntity: false };
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
