import type { FetchNode, QueryPlanSelectionNode } from '@apollo/query-planner';
import { isAbstractType, type FieldNode } from 'graphql';
import { servesSeveralCases } from '../plan/several-cases.ts';
import { FRAGMENT_PREFIX } from '../plan/type-sets.ts';
import { allOf, eitherOf, SURELY, type Alternatives } from './conditions.ts';
import { lookUp, sentOf, whenAllKnown, whenSent, type Sender } from './inputs.ts';
import type { Inspection } from './inspection.ts';
import type { Position } from './positions.ts';
import type { Gate, Grant } from './read-fetch.ts';
import { INTERFACE_NAME, TYPE_NAME } from './signature.ts';
import type { SubgraphRules } from './subgraph-rules.ts';
import { applies, type TypeNames } from './type-names.ts';

/** A fetch through `_entities`, and what is known when it begins. */
export interface EntityFetch {
  readonly inspection: Inspection;
  readonly rules: SubgraphRules;
  readonly node: FetchNode & { readonly requires: readonly QueryPlanSelectionNode[] };
  readonly entities: Position;
}

/** Objects of one type that the subgraph can find. */
interface Entry {
  readonly sender: Sender;
  readonly when: Alternatives;
}

/** Which fields can be asked for of which entities: those whose key and `@requires` are there. */
export function createGate(fetch: EntityFetch): Gate {
  const { inspection, rules } = fetch;
  const entries = new Map<string, Entry>();
  for (const type of fetch.entities.types) {
    const entry = entryOf(fetch, type);
    if (entry && entry.when.length > 0) entries.set(type, entry);
  }
  const all = grouped([...entries].map(([type, { when }]) => [type, when]));
  return (field, place, types) => {
    const name = field.name.value;
    const needs = place.within.some((own) => {
      const rule = rules.type(own)?.field(name);
      return rule !== undefined && rule.requires !== null;
    });
    if (!needs) return all.map((one) => ({ ...one, types: inspection.types.meet(one.types, types) }));
    return grouped(
      [...entries]
        .filter(([type]) => applies(types, type))
        .map(([type, entry]) => [type, whenAsked(fetch, entry, ownName(rules, place.within, type), field)]),
    );
  };
}

/** Null where the fetch asks for nothing of such objects. */
function entryOf({ inspection, rules, node, entities }: EntityFetch, type: string): Entry | null {
  const { sources } = entities;
  if (isLeftOut(inspection, node, type)) return null;
  const senderOf = (requires: readonly QueryPlanSelectionNode[]): Sender => ({
    ...{ inspection, type, sources, sent: sentOf(inspection, requires, type) },
  });
  // An object whose type nobody has told bears the name of its interface.
  const onInterface = node.requires.filter((one) => isOnInterface(inspection, one));
  const [asToldType, asInterface] = [senderOf(node.requires), senderOf(onInterface)];
  const told = lookUp(asToldType, TYPE_NAME, TYPE_NAME).alternatives;
  const untold = sendsType(asInterface) ? lookUp(asInterface, TYPE_NAME, INTERFACE_NAME).alternatives : [];
  const sender = told.length > 0 ? asToldType : asInterface;
  if (!sendsType(sender)) return null;
  // Told under some conditions only: it makes no difference where the same is sent either way.
  const isAlike = asToldType.sent.length === asInterface.sent.length;
  const known = told.length === 0 || isAlike ? eitherOf([...told, ...untold]) : told;
  const name =
    renamed(inspection, node, type) ?? (told.length > 0 ? type : interfaceOf(inspection, onInterface, type));
  const keys = rules.type(name)?.keys ?? [];
  // That one key of several is not sent is nothing to doubt.
  const found = eitherOf(keys.flatMap((key) => whenSent(keys.length > 1 ? silently(sender) : sender, key)));
  if (found.length === 0) inspection.doubt(`${rules.name} cannot find ${name} by what it is sent`);
  const rest = servesSeveralCases(node) ? SURELY : whenAllKnown(sender);
  return { sender, when: allOf(allOf(known, found), rest) };
}

const silently = (sender: Sender): Sender => ({
  ...sender,
  inspection: { ...sender.inspection, doubt: () => undefined },
});

const sendsType = ({ sent }: Sender) => sent.some(({ key }) => key === TYPE_NAME);

const isOnInterface = ({ schema }: Inspection, one: QueryPlanSelectionNode) =>
  one.kind === 'InlineFragment' && isAbstractType(schema.getType(one.typeCondition ?? ''));

function interfaceOf(
  { types }: Inspection,
  requires: readonly QueryPlanSelectionNode[],
  type: string,
): string {
  const fitting = requires.flatMap((one) => (one.kind === 'InlineFragment' ? (one.typeCondition ?? []) : []));
  return fitting.find((name) => types.of(name).has(type)) ?? type;
}

/** The name that a rewrite puts in place of the type's. */
function renamed({ types }: Inspection, { inputRewrites = [] }: FetchNode, type: string): string | undefined {
  const rewrite = inputRewrites.find(
    ({ kind, path: [first = ''] }) =>
      kind === 'ValueSetter' && types.of(first.slice(FRAGMENT_PREFIX.length)).has(type),
  );
  return rewrite?.kind === 'ValueSetter' ? String(rewrite.setValueTo) : undefined;
}

/** As plan/entity-fetch.ts does: where types are rewritten to an interface's, others of that interface are not asked for. */
function isLeftOut(inspection: Inspection, node: FetchNode, type: string): boolean {
  const setters = (node.inputRewrites ?? []).filter((rewrite) => rewrite.kind === 'ValueSetter');
  return (
    setters.some(({ setValueTo }) => inspection.types.of(String(setValueTo)).has(type)) &&
    renamed(inspection, node, type) === undefined
  );
}

const ownName = (rules: SubgraphRules, within: readonly string[], type: string): string | undefined =>
  within.includes(type) ? type : within.find((own) => rules.type(own)?.stands.has(type));

function whenAsked(
  { rules }: EntityFetch,
  { sender, when }: Entry,
  own: string | undefined,
  field: FieldNode,
): Alternatives {
  const rule = own === undefined ? undefined : rules.type(own)?.field(field.name.value);
  if (!rule) return [];
  return rule.requires ? allOf(when, whenSent(sender, rule.requires)) : when;
}

/** Types that depend on the same together. */
function grouped(list: readonly (readonly [string, Alternatives])[]): Grant[] {
  const groups = new Map<string, { types: Set<string>; when: Alternatives }>();
  for (const [type, when] of list) {
    const text = JSON.stringify(when);
    const group = groups.get(text);
    if (group) group.types.add(type);
    else groups.set(text, { types: new Set([type]), when });
  }
  return [...groups.values()].flatMap(({ types, when }) =>
    when.map((under): { types: TypeNames; under: readonly string[] } => ({ types, under })),
  );
}
