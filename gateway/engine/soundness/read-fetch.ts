import {
  Kind,
  parse,
  type FieldNode,
  type FragmentDefinitionNode,
  type OperationDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import type { FetchNode } from '@apollo/query-planner';
import { ALWAYS, allOf, both, conditionsOf, type Conditions } from './conditions.ts';
import type { WhenInContext } from './contexts.ts';
import { addFact, type Known } from './known.ts';
import { INTERFACE_NAME, signatureOf, TYPE_NAME } from './signature.ts';
import { isHere, isProvided, placeBelow, placeOn, resolvedHere, type Place } from './subgraph-place.ts';
import type { Inspection } from './inspection.ts';
import type { FieldRules, SubgraphRules } from './subgraph-rules.ts';
import type { TypeNames } from './type-names.ts';

/** The text of a fetch, read. */
export interface FetchText {
  readonly operation: OperationDefinitionNode;
  readonly fragments: ReadonlyMap<string, FragmentDefinitionNode>;
}

export function textOfFetch(node: FetchNode): FetchText | null {
  const { definitions } = parse(node.operation, { noLocation: true });
  const operation = definitions.find((one) => one.kind === Kind.OPERATION_DEFINITION);
  const fragments = definitions.filter((one) => one.kind === Kind.FRAGMENT_DEFINITION);
  return operation ? { operation, fragments: new Map(fragments.map((one) => [one.name.value, one])) } : null;
}

/** For which objects, and when, a field of an entity can be asked for. */
export interface Grant {
  readonly types: TypeNames;
  readonly under: Conditions;
}
export type Gate = (field: FieldNode, place: Place, types: TypeNames) => readonly Grant[];

export interface Reading {
  readonly inspection: Inspection;
  readonly rules: SubgraphRules;
  readonly fragments: FetchText['fragments'];
  readonly whenInContext: WhenInContext;
}

/** Where a selection is read into. `gate` is there for fields of entities themselves. */
export interface Target {
  readonly known: Known;
  readonly types: TypeNames;
  readonly conditions: Conditions;
  readonly gate: Gate | null;
}

/** Adds what a selection brings, and tells of every field that the subgraph does not answer for. */
export function readSelection(reading: Reading, set: SelectionSetNode, place: Place, target: Target): void {
  for (const node of set.selections) {
    const own = conditionsOf(node);
    const conditions = own && both(target.conditions, own);
    if (!conditions) continue;
    const inner = { ...target, conditions };
    if (node.kind === Kind.FIELD) readField(reading, node, place, inner);
    else {
      const fragment = node.kind === Kind.INLINE_FRAGMENT ? node : reading.fragments.get(node.name.value);
      if (fragment) readFragment(reading, fragment, place, inner);
    }
  }
}

function readFragment(
  reading: Reading,
  {
    typeCondition,
    selectionSet,
  }: Pick<FragmentDefinitionNode, 'selectionSet'> & {
    readonly typeCondition?: FragmentDefinitionNode['typeCondition'];
  },
  place: Place,
  target: Target,
): void {
  const { inspection, rules } = reading;
  const name = typeCondition?.name.value ?? place.type.name;
  const inner = placeOn(rules, place, name);
  if (!inner) return inspection.refuse(`${rules.name} does not know the type ${name}`);
  const types =
    inner.within.length === place.within.length
      ? target.types
      : inspection.types.meet(target.types, inner.type.stands);
  readSelection(reading, selectionSet, inner, { ...target, types });
}

function readField(reading: Reading, field: FieldNode, place: Place, target: Target): void {
  const isTypeName = field.name.value === TYPE_NAME;
  if (!isTypeName && !isAnswered(reading, field, place, target)) return;
  const key = (field.alias ?? field.name).value;
  const { known, types, conditions, gate } = target;
  const what = isTypeName ? typeNameAt(reading.rules, place) : signatureOf(field);
  const below = isTypeName ? undefined : placeBelow(reading.rules, field, place);
  const grants = gate?.(field, place, types) ?? [{ types, under: ALWAYS }];
  for (const grant of inContext(reading, field, place, grants)) {
    const joint = both(conditions, grant.under);
    if (!joint) continue;
    const inner = below && field.selectionSet ? innerOf(reading, field.selectionSet, below.place) : null;
    const returns = below?.stands ?? null;
    addFact(known, key, { types: grant.types, conditions: joint, what, returns, inner });
  }
}

/** What is left of grants where arguments come from contexts. */
function inContext(
  { rules, whenInContext }: Reading,
  field: FieldNode,
  { within }: Place,
  grants: readonly Grant[],
): readonly Grant[] {
  const contexts = within.flatMap((one) => rules.type(one)?.field(field.name.value)?.contexts ?? []);
  if (contexts.length === 0) return grants;
  const when = whenInContext(field, contexts);
  return grants.flatMap(({ types, under }) =>
    allOf([under], when).map((conditions) => ({ types, under: conditions })),
  );
}

function innerOf(reading: Reading, set: SelectionSetNode, place: Place): Known {
  const known: Known = new Map();
  readSelection(reading, set, place, { known, types: null, conditions: ALWAYS, gate: null });
  return known;
}

const typeNameAt = (rules: SubgraphRules, { within }: Place) =>
  within.some((one) => rules.type(one)?.isInterfaceObject) ? INTERFACE_NAME : TYPE_NAME;

/** Where nothing gives inputs, a field that needs some is none that can be asked for. */
function isAnswered(reading: Reading, field: FieldNode, place: Place, target: Target): boolean {
  const { inspection, rules } = reading;
  const name = field.name.value;
  if (!place.type.isObject && !place.type.field(name)) {
    inspection.refuse(`${rules.name} has no field ${place.type.name}.${name}`);
    return false;
  }
  for (const one of place.within) {
    const problem = faultAt(reading, rules.type(one)?.field(name), one, field, place, target);
    if (problem === null) continue;
    inspection.refuse(`${rules.name} ${problem} ${one}.${name}`);
    return false;
  }
  return true;
}

function faultAt(
  { inspection, rules }: Reading,
  rule: FieldRules | undefined,
  type: string,
  field: FieldNode,
  place: Place,
  { gate }: Target,
): string | null {
  if (!rule) return 'does not have';
  if (rule.isExternal && !isProvided(rules, place, type, field.name.value)) return 'does not resolve';
  if (!isHere(inspection.overrides, rule)) return 'does not resolve now';
  const needsInputs = rule.requires && !resolvedHere(rules, type, place.provided, rule.requires);
  return needsInputs && !gate ? 'is asked without its inputs for' : null;
}
