import type { QueryPlanSelectionNode } from '@apollo/query-planner';
import { Kind, type FieldNode, type SelectionSetNode } from 'graphql';
import { allOf, eitherOf, SURELY, type Alternatives } from './conditions.ts';
import type { Inspection } from './inspection.ts';
import { factsAt, type Source } from './known.ts';
import { signatureOf, TYPE_NAME } from './signature.ts';
import { applies } from './type-names.ts';

/** One field that a fetch reads of objects of one type, to send it under its own name. */
export interface Sent {
  readonly key: string;
  readonly name: string;
  readonly inner: readonly QueryPlanSelectionNode[] | null;
}

type Selections = readonly QueryPlanSelectionNode[];

/** Objects of one type, with what is known of them and what is sent. */
export interface Sender {
  readonly inspection: Inspection;
  readonly type: string;
  readonly sources: readonly Source[];
  readonly sent: readonly Sent[];
}

/** What a representation's selection sends of objects of `type`. */
export function sentOf({ types }: Inspection, selections: Selections, type: string): Sent[] {
  const byKey = new Map<string, Sent>();
  const add = (nodes: Selections) => {
    for (const node of nodes) {
      if (node.kind === 'InlineFragment') {
        if (node.typeCondition === undefined || types.of(node.typeCondition).has(type)) add(node.selections);
        continue;
      }
      const key = node.alias ?? node.name;
      const before = byKey.get(key)?.inner;
      const inner = node.selections ? [...(before ?? []), ...node.selections] : null;
      byKey.set(key, { key, name: node.name, inner });
    }
  };
  add(selections);
  return [...byKey.values()];
}

/** When what a subgraph needs is sent, and known by then: never where there are no alternatives. */
export function whenSent(sender: Sender, needed: SelectionSetNode): Alternatives {
  let when = SURELY;
  for (const node of needed.selections) {
    if (when.length === 0) return when;
    if (node.kind === Kind.FIELD) when = allOf(when, whenFieldSent(sender, node));
    else if (node.kind === Kind.INLINE_FRAGMENT && isOf(sender, node.typeCondition?.name.value))
      when = allOf(when, whenSent(sender, node.selectionSet));
  }
  return when;
}

const isOf = ({ inspection, type }: Sender, condition: string | undefined) =>
  condition === undefined || inspection.types.of(condition).has(type);

function whenFieldSent(sender: Sender, field: FieldNode): Alternatives {
  const { inspection, type, sent } = sender;
  const name = field.name.value;
  if (name === TYPE_NAME) return SURELY;
  const [one, ...others] = sent.filter((candidate) => candidate.name === name);
  if (!one || others.length > 0) {
    inspection.doubt(`${type}.${name} is ${one ? 'sent twice' : 'not sent'}`);
    return [];
  }
  return whenKnown(sender, one, signatureOf(field), field.selectionSet);
}

/** When all that is sent is known. Something that is not keeps the whole object from being asked for. */
export function whenAllKnown(sender: Sender): Alternatives {
  let when = SURELY;
  for (const one of sender.sent) {
    if (when.length === 0) return when;
    if (one.name !== TYPE_NAME) when = allOf(when, whenKnown(sender, one, null, undefined));
  }
  return when;
}

/** `what`: field and arguments that the value must come from; null: whatever it is. */
function whenKnown(
  sender: Sender,
  { key, name, inner }: Sent,
  what: string | null,
  needed: SelectionSetNode | undefined,
): Alternatives {
  const { inspection, type } = sender;
  const { alternatives, sources, returns, others } = lookUp(sender, key, what);
  const [other] = others;
  if (other !== undefined) inspection.doubt(`${type}.${name} is taken for ${what} where it holds ${other}`);
  else if (alternatives.length === 0) inspection.doubt(`${type}.${name} is sent before it is known`);
  if (other !== undefined || alternatives.length === 0) return [];
  let when = alternatives;
  for (const below of inner ? returns : []) {
    const sent = sentOf(inspection, inner ?? [], below);
    const nested: Sender = { inspection, type: below, sources, sent };
    if (inner?.some(({ kind }) => kind === 'InlineFragment'))
      when = allOf(when, lookUp(nested, TYPE_NAME, null).alternatives);
    when = allOf(when, needed ? whenSent(nested, needed) : whenAllKnown(nested));
  }
  return when;
}

interface Found {
  readonly alternatives: Alternatives;
  readonly sources: readonly Source[];
  readonly returns: ReadonlySet<string>;
  /** What else may be there. */
  readonly others: readonly string[];
}

/** What is known of a response name of objects of one type. */
export function lookUp(
  { type, sources }: Pick<Sender, 'type' | 'sources'>,
  key: string,
  what: string | null,
): Found {
  const alternatives = [];
  const below: Source[] = [];
  const others: string[] = [];
  let returns: ReadonlySet<string> = new Set();
  for (const { fact, under } of factsAt(sources, key)) {
    if (!applies(fact.types, type)) continue;
    if (fact.what !== null && what !== null && fact.what !== what) {
      others.push(fact.what);
      continue;
    }
    if (fact.what !== null) alternatives.push(under);
    if (fact.inner) below.push({ known: fact.inner, under });
    if (fact.returns) returns = returns.size === 0 ? fact.returns : new Set([...returns, ...fact.returns]);
  }
  return { alternatives: eitherOf(alternatives), sources: below, returns, others };
}
