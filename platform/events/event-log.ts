import { EVENTS, type EventName, type EventPayload } from '#schema/events.ts';
import type { Em } from '#platform/database.ts';
import { CodedError, conflict, Refusal } from '#platform/errors.ts';
import { newId } from '#platform/ids.ts';
import { openFrame } from './envelope.ts';
import { tracedWork } from '#platform/tracing/traced-work.ts';
import type { AnyEvent, EventEnvelope, EventFrame } from './ports.ts';

export interface NewEvent<N extends EventName = EventName> {
  /** What the event happens to, for example `room:rom_…`. */
  readonly stream: string;
  readonly name: N;
  readonly payload: EventPayload<N>;
  readonly actorId?: string | null;
  readonly correlationId?: string | null;
  /** The last seq the writer has seen; where the stream has moved on, a Refusal with a ConflictError is thrown. */
  readonly expectedSeq?: number;
}

export interface StreamHead {
  /** 0 for a stream without events. */
  readonly epoch: number;
  /** 0 for a stream without events. */
  readonly lastSeq: number;
  /** Oldest event that is still in the log; `lastSeq + 1` where none is. */
  readonly oldestSeq: number;
}

// The lock on a stream's row lasts until the commit. So seq has no gap, numbers become visible in order, and outbox positions of a stream ascend with them.
// `behind`: how many of the given events follow in the same stream. Streams are locked in one order, whoever writes.
const WRITE = `with given as (
    select * from jsonb_to_recordset(?::jsonb) as g (place int, behind int, stream text, id text, name text, version int,
      at timestamptz, "actorId" text, "correlationId" text, payload jsonb, traceparent text)
  ), taken as (
    insert into event_stream as s (stream, epoch, last_seq)
    select stream, 1 + floor(random() * 2147483646)::integer, count(*) from given group by stream order by stream
    on conflict (stream) do update set last_seq = s.last_seq + excluded.last_seq returning stream, last_seq
  ), logged as (
    insert into event_log (stream, seq, id, name, version, at, actor_id, correlation_id, payload)
    select stream, last_seq - behind, id, name, version, at, "actorId", "correlationId", payload from given join taken using (stream)
    returning id, stream, seq
  ), queued as (
    insert into outbox (event_id, stream, seq, traceparent) select id, logged.stream, seq, traceparent from logged join given using (id) order by place
  ) select id, seq::float8 as seq from logged`;

/**
 * Adds events to their streams and to the outbox, in the given order, inside the caller's transaction: without a transaction it throws.
 * Writers of one stream wait for each other until they commit.
 */
export async function appendAll<N extends EventName>(
  em: Em,
  events: readonly NewEvent<N>[],
): Promise<EventEnvelope<N>[]> {
  if (!em.isInTransaction()) throw new CodedError('INTERNAL_SERVER_ERROR', 'append needs a transaction.');
  if (events.length === 0) return [];
  const now = new Date();
  const entries = events.map((event) => ({
    id: newId('Event', now.getTime()),
    ...accept(event),
    at: now.toISOString(),
  }));
  const rows = await em.execute<{ id: string; seq: number }[]>(WRITE, [JSON.stringify(toRows(entries))]);
  const seqs = new Map(rows.map(({ id, seq }) => [id, seq]));
  return entries.map((entry, place) => {
    const seq = seqs.get(entry.id) ?? 0;
    requireSeq(seq, events[place]?.expectedSeq);
    return { ...entry, seq };
  });
}

function accept<N extends EventName>({
  name,
  payload,
  stream,
  actorId = null,
  correlationId = null,
}: NewEvent<N>) {
  const { version, payload: shape } = EVENTS[name];
  return { name, version, stream, actorId, correlationId, payload: shape.parse(payload) as EventPayload<N> };
}

function toRows(entries: readonly { readonly stream: string }[]): object[] {
  const behind = new Map<string, number>();
  const traceparent = tracedWork()?.headers.traceparent;
  const count = (stream: string) => {
    const following = behind.get(stream) ?? 0;
    behind.set(stream, following + 1);
    return following;
  };
  return entries
    .map((entry, place) => ({ ...entry, place, ...(traceparent !== undefined && { traceparent }) }))
    .toReversed()
    .map((entry) => ({ ...entry, behind: count(entry.stream) }));
}

function requireSeq(seq: number, expectedSeq: number | undefined): void {
  if (expectedSeq === undefined || seq === expectedSeq + 1) return;
  throw new Refusal(conflict('It was changed by someone else in the meantime.', seq - 1));
}

/** Columns of `event_log l` as an EventFrame; the instant with milliseconds, as it was written. */
export const FRAME_COLUMNS = `l.id, l.name, l.version, l.stream, l.seq::float8 as seq,
  to_char(l.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as at,
  l.actor_id as "actorId", l.correlation_id as "correlationId", l.payload`;

export interface ReadOptions {
  readonly afterSeq?: number;
  /** At most this many events. */
  readonly limit?: number;
}

/** Events of a stream in order, checked. Throws where the log holds an event that this code cannot read. */
export async function read(em: Em, stream: string, options: ReadOptions = {}): Promise<AnyEvent[]> {
  const { afterSeq = 0, limit = 500 } = options;
  const rows = await em.execute<EventFrame[]>(
    `select ${FRAME_COLUMNS} from event_log l where l.stream = ? and l.seq > ? order by l.seq limit ?`,
    [stream, afterSeq, limit],
  );
  return rows.map(requireReadable);
}

function requireReadable(frame: EventFrame): AnyEvent {
  const opened = openFrame(frame);
  if ('event' in opened) return opened.event;
  throw new CodedError('INTERNAL_SERVER_ERROR', `Event ${frame.id} cannot be read: ${opened.problem}`);
}

export async function head(em: Em, stream: string): Promise<StreamHead> {
  const [row] = await em.execute<StreamHead[]>(
    `select s.epoch, s.last_seq::float8 as "lastSeq",
       coalesce((select min(l.seq) from event_log l where l.stream = s.stream), s.last_seq + 1)::float8 as "oldestSeq"
     from event_stream s where s.stream = ?`,
    [stream],
  );
  return row ?? { epoch: 0, lastSeq: 0, oldestSeq: 1 };
}
