import {
  Kind,
  parse,
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  type SelectionSetNode,
} from 'graphql';
import { RealtimeError } from './realtime-error.ts';

/** What an event is to whoever follows: `missed` says that events before it did not arrive, though the log has them. */
export type Step = 'new' | 'known' | 'missed';

/** Where a subscription stands in its log. */
export interface Position {
  /** The document, which also asks of what type its events are. */
  readonly query: string;
  /** Variables with which a new connection continues. */
  begin(): Record<string, unknown>;
  /** Moves behind the event, unless it is `missed`. Throws where the event has no cursor. */
  take(data: unknown): Step;
}

/**
 * The convention of event logs: the field that is subscribed to takes the variable `$after`, and its events have a `cursor`, which is the value for it.
 * A document that does not follow it begins anew with each connection. Throws a RealtimeError where it is no GraphQL, or selects no cursor.
 */
export function createPosition(document: string, variables: Record<string, unknown>): Position {
  const log = readLogDocument(document);
  if (!log) return { query: document, begin: () => variables, take: () => 'new' };
  let after = variables['after'];
  let hasMoved = false;
  return {
    query: log.query,
    begin() {
      hasMoved = false;
      return { ...variables, after };
    },
    take(data) {
      const [event]: unknown[] = Object.values(Object(data));
      // What a field error has taken away has no position; the next event has one.
      if (event === null || event === undefined) return 'new';
      const fields = new Map<string, unknown>(Object.entries(Object(event)));
      if (typeof after === 'string' && isOfMissed(fields, log, hasMoved)) return 'missed';
      const cursor = valueOf(fields, log.cursorKeys);
      if (typeof cursor !== 'string') throw withoutCursor();
      hasMoved = true;
      if (cursor === after) return 'known';
      after = cursor;
      return 'new';
    },
  };
}

/**
 * Whether the log goes on where the reader is, though the server says that it does not: because this client was too slow. Where the reason was not
 * asked for, it is worth another try: of a log that cannot continue the server says so first of all.
 */
function isOfMissed(fields: ReadonlyMap<string, unknown>, log: LogDocument, hasMoved: boolean): boolean {
  if (!String(fields.get('__typename')).endsWith('ResyncRequired')) return false;
  const reason = valueOf(fields, log.reasonKeys);
  return reason === undefined ? hasMoved : reason === 'SLOW_CONSUMER';
}

const valueOf = (fields: ReadonlyMap<string, unknown>, keys: readonly string[]): unknown =>
  keys.map((key) => fields.get(key)).find((value) => value !== undefined);

interface LogDocument {
  readonly query: string;
  /** Under which names events come with their `cursor`, and with the `reason` of a resync. */
  readonly cursorKeys: readonly string[];
  readonly reasonKeys: readonly string[];
}

function readLogDocument(document: string): LogDocument | null {
  const roots = rootFieldsOf(parsed(document));
  const events = roots.fields.find(takesAfter)?.selectionSet;
  if (!events?.loc) return null;
  const fields = roots.fields.flatMap(({ selectionSet }) => [...fieldsOf(selectionSet, roots.fragments)]);
  const keysOf = (name: string) =>
    fields.filter((field) => field.name.value === name).map((field) => (field.alias ?? field.name).value);
  const cursorKeys = keysOf('cursor');
  if (cursorKeys.length === 0) throw withoutCursor();
  const start = events.loc.start + 1;
  // Who keeps a list of allowed documents asks for it, and finds the document unchanged.
  const isAsked = events.selections.some((node) => node.kind === Kind.FIELD && isTypename(node));
  const query = isAsked ? document : `${document.slice(0, start)} __typename ${document.slice(start)}`;
  return { query, cursorKeys, reasonKeys: keysOf('reason') };
}

function parsed(document: string): DocumentNode {
  try {
    return parse(document);
  } catch (cause) {
    throw new RealtimeError(String(cause), { remedy: 'none', cause });
  }
}

type Fragments = ReadonlyMap<string, FragmentDefinitionNode>;

function rootFieldsOf({ definitions }: DocumentNode) {
  const fragments: Fragments = new Map(
    definitions.flatMap((node) => (node.kind === Kind.FRAGMENT_DEFINITION ? [[node.name.value, node]] : [])),
  );
  const operation = definitions.find((node) => node.kind === Kind.OPERATION_DEFINITION);
  return { fields: [...fieldsOf(operation?.selectionSet, fragments)], fragments };
}

/** Those of its fragments, too. Which of them a server knows, and whether they are in a circle, is for it to say. */
function* fieldsOf(
  set: SelectionSetNode | undefined,
  fragments: Fragments,
  seen: readonly string[] = [],
): Generator<FieldNode> {
  for (const selection of set?.selections ?? []) {
    if (selection.kind === Kind.FIELD) yield selection;
    else if (selection.kind === Kind.INLINE_FRAGMENT)
      yield* fieldsOf(selection.selectionSet, fragments, seen);
    else if (!seen.includes(selection.name.value)) {
      const name = selection.name.value;
      yield* fieldsOf(fragments.get(name)?.selectionSet, fragments, [...seen, name]);
    }
  }
}

const isTypename = ({ name, alias }: FieldNode): boolean => name.value === '__typename' && !alias;

const takesAfter = ({ arguments: given = [] }: FieldNode): boolean =>
  given.some(({ value }) => value.kind === Kind.VARIABLE && value.name.value === 'after');

const withoutCursor = () =>
  new RealtimeError('A subscription with $after has to select `cursor`', { remedy: 'none' });
