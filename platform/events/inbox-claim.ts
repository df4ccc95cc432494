import type { Em } from '#platform/database.ts';
import { textArray } from '#platform/text-array.ts';
import { eventFrame } from './envelope.ts';
import type { EventFrame } from './ports.ts';

/** An event of the inbox that this transaction holds. */
export interface Claim {
  readonly position: string;
  readonly attempts: number;
  readonly event: EventFrame;
}

// So many of the oldest are looked at first: enough for all workers to find streams that nobody else is at.
const WINDOW_EVENTS = 500;

// Who has locked the first pending event of a stream has the stream: nobody else finds another first one until its state has changed, for which
// that transaction has to end. The lateral query is one look into an index for each stream, and streams are taken as they come until there
// are enough: their order is wished for, but nothing depends on it.
const FIRST_OF_STREAMS = `select i.stream from streams s
  cross join lateral (select e.position from inbox e
    where e.consumer = ? and e.stream = s.stream and e.state = 'pending' order by e.seq limit 1) head
  join inbox i on i.position = head.position
  where i.state = 'pending' and i.next_attempt_at <= ? limit ? for update of i skip locked`;

const OLDEST = `with arrived as materialized (
    select stream, position from inbox where consumer = ? and state = 'pending' order by position limit ${WINDOW_EVENTS}),
  streams as materialized (select stream from arrived group by stream order by min(position))
  ${FIRST_OF_STREAMS}`;

// From one stream to the next, over all that wait behind its first.
const ANY = `with recursive next as (
    (select stream from inbox where consumer = ? and state = 'pending' order by stream limit 1)
    union all
    select (select n.stream from inbox n where n.consumer = ? and n.state = 'pending' and n.stream > p.stream
      order by n.stream limit 1) from next p where p.stream is not null),
  streams as (select stream from next where stream is not null)
  ${FIRST_OF_STREAMS}`;

// What follows is locked as well: a dead letter that was replayed becomes the first one while another worker is at its successor.
const PENDING = `with listed as materialized (
    select f.position from unnest(?::text[]) as s (stream)
    cross join lateral (select e.position from inbox e
      where e.consumer = ? and e.stream = s.stream and e.state = 'pending' order by e.seq limit ?) f),
  locked as materialized (
    select i.position from listed l join inbox i on i.position = l.position where i.state = 'pending'
    for update of i skip locked)
  select i.position::text as position, i.attempts, i.envelope,
    k.position is not null and i.next_attempt_at <= ? as ready
  from listed l join inbox i on i.position = l.position left join locked k on k.position = l.position
  order by i.stream, i.seq, i.position`;

interface PendingRow {
  readonly position: string;
  readonly attempts: number;
  readonly envelope: unknown;
  readonly ready: boolean;
}

/**
 * Locks up to `limit` events that may be handled now, each behind its predecessors: an event waits while an earlier one of its stream is pending,
 * also when another process is busy with that one. Those of a stream come in order. The locks end with the transaction.
 */
export async function claimEvents(em: Em, consumer: string, now: Date, limit: number): Promise<Claim[]> {
  const streams = await claimStreams(em, consumer, now, limit);
  if (streams.length === 0) return [];
  return claimPending(em, consumer, streams, now, Math.floor(limit / streams.length));
}

async function claimStreams(em: Em, consumer: string, now: Date, limit: number): Promise<string[]> {
  type Row = { stream: string };
  let rows = await em.execute<Row[]>(OLDEST, [consumer, consumer, now, limit]);
  // The oldest may all belong to a few streams that others are at, or that wait for their next attempt.
  if (rows.length === 0) rows = await em.execute<Row[]>(ANY, [consumer, consumer, consumer, now, limit]);
  return rows.map(({ stream }) => stream);
}

async function claimPending(
  em: Em,
  consumer: string,
  streams: readonly string[],
  now: Date,
  limit: number,
): Promise<Claim[]> {
  const rows = await em.execute<PendingRow[]>(PENDING, [textArray(streams), consumer, limit, now]);
  const claims = rows.map(({ envelope, ...row }) => ({ ...row, event: eventFrame.parse(envelope) }));
  return [...Map.groupBy(claims, ({ event }) => event.stream).values()].flatMap((ofStream) => {
    const blocked = ofStream.findIndex(({ ready }) => !ready);
    return blocked < 0 ? ofStream : ofStream.slice(0, blocked);
  });
}
