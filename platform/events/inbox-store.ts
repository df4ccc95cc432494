import type { Em } from '#platform/database.ts';
import type { PurgeRule } from '#platform/purge.ts';
import { eventFrame } from './envelope.ts';
import type { Claim } from './inbox-claim.ts';
import type { EventFrame } from './ports.ts';

/** An event that a consumer gave up on. */
export interface DeadLetter {
  readonly id: string;
  readonly consumer: string;
  readonly event: EventFrame;
  readonly attempts: number;
  readonly lastError: string | null;
  /** UTC instant, RFC 3339. */
  readonly receivedAt: string;
}

export const STORED_COLUMNS = 'consumer, event_id, stream, seq, envelope, next_attempt_at, received_at';
/** The columns above of `e.envelope`, for the parameters consumer, now and now. */
export const STORED_EVENTS = `?, e.envelope->>'id', e.envelope->>'stream', (e.envelope->>'seq')::bigint, e.envelope,
  ?::timestamptz, ?::timestamptz`;

// The unique key on consumer and event drops what was delivered twice.
const STORE = `insert into inbox (${STORED_COLUMNS}) select ${STORED_EVENTS}
  from jsonb_array_elements(?::jsonb) with ordinality as e (envelope, place) order by e.place
  on conflict (consumer, event_id) do nothing`;

export async function storeEvents(
  em: Em,
  consumer: string,
  events: readonly EventFrame[],
  now: Date,
): Promise<void> {
  await em.execute(STORE, [consumer, now, now, JSON.stringify(events)], 'run');
}

export async function markDone(em: Em, positions: readonly string[], now: Date): Promise<void> {
  if (positions.length === 0) return;
  const sql = `update inbox set state = 'done', attempts = attempts + 1, last_error = null, finished_at = ? where position in (?)`;
  await em.execute(sql, [now, positions], 'run');
}

export async function markDead(em: Em, claim: Claim, reason: string, now: Date): Promise<void> {
  const sql = `update inbox set state = 'dead', attempts = ?, last_error = ?, finished_at = ?
    where position = ? and state = 'pending'`;
  await em.execute(sql, [claim.attempts + 1, reason, now, claim.position], 'run');
}

export async function markFailed(em: Em, claim: Claim, reason: string, nextAttemptAt: Date): Promise<void> {
  const sql = `update inbox set attempts = ?, last_error = ?, next_attempt_at = ? where position = ? and state = 'pending'`;
  await em.execute(sql, [claim.attempts + 1, reason, nextAttemptAt, claim.position], 'run');
}

const DEAD = `select position::text as id, consumer, envelope, attempts, last_error as "lastError",
  to_char(received_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"') as "receivedAt"
  from inbox where state = 'dead' order by inbox.position limit ?`;

/** Oldest first. */
export async function listDeadLetters(em: Em, limit: number): Promise<DeadLetter[]> {
  const rows = await em.execute<(Omit<DeadLetter, 'event'> & { envelope: unknown })[]>(DEAD, [limit]);
  return rows.map(({ envelope, ...row }) => ({ ...row, event: eventFrame.parse(envelope) }));
}

const REVIVE = `update inbox set state = 'pending', attempts = 0, next_attempt_at = ?, finished_at = null
  where position = ? and state = 'dead'`;

/** Returns whether there was a dead letter with this id. */
export async function reviveDeadLetter(em: Em, id: string, now: Date): Promise<boolean> {
  if (!/^\d{1,18}$/.test(id)) return false;
  const { affectedRows } = await em.execute<{ affectedRows: number }>(REVIVE, [now, id], 'run');
  return affectedRows > 0;
}

// Longer than the durable bus keeps events: within that time it may deliver everything anew, and nothing must be handled twice.
const REMEMBER_DONE_MS = 35 * 24 * 3_600_000;

export const DONE_EVENTS: PurgeRule = {
  table: 'inbox',
  keepMs: REMEMBER_DONE_MS,
  where: `r.state = 'done' and r.finished_at < ?`,
};
