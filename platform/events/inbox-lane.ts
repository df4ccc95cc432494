import { DeadlockException } from '@mikro-orm/core';
import type { Database } from '#platform/database.ts';
import { messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import { backoffMs } from './backoff.ts';
import { openFrame } from './envelope.ts';
import { claimEvents, type Claim } from './inbox-claim.ts';
import * as store from './inbox-store.ts';
import type { AnyEvent } from './ports.ts';
import { recordReaction } from './reaction-spans.ts';
import type { Transaction } from './unit-of-work.ts';
import { WorkLoop } from './work-loop.ts';

export interface LaneDeps {
  readonly database: Database;
  readonly log: Log;
  readonly tracing: Tracing | null;
  readonly transact: <T>(run: (tx: Transaction) => Promise<T>) => Promise<T>;
  /** Of the consumer. */
  readonly name: string;
  readonly handle: (event: AnyEvent, tx: Transaction) => Promise<void>;
  readonly now: () => Date;
  /** 0 to 1. */
  readonly random: (() => number) | undefined;
  readonly maxAttempts: number;
  readonly pollMs: number;
}

// Fewer savepoints than PostgreSQL keeps at hand for a transaction.
const BATCH_EVENTS = 50;
// What handlers have locked, others wait for: no longer than this and one handler.
const BATCH_MS = 50;

/**
 * A worker of an inbox: it handles several events in one transaction, each in a savepoint of its own, so that one that fails takes nothing with it.
 * After a transaction that failed as a whole it takes events one by one, then more and more again.
 */
export function createLane(deps: LaneDeps): WorkLoop {
  const { database, log, name, pollMs, transact } = deps;
  let limit = BATCH_EVENTS;
  const failed = () => void (limit = 1);
  const step = async () => {
    try {
      const claimed = await transact((tx) => handleBatch(deps, tx, limit, failed));
      if (claimed > 0) limit = Math.min(limit * 2, BATCH_EVENTS);
      return claimed > 0 ? ('more' as const) : ('idle' as const);
    } catch (error) {
      failed();
      throw error;
    }
  };
  return new WorkLoop({
    name: `${database.name} inbox ${name}`,
    step: () => database.background(step),
    pollMs,
    log,
  });
}

async function handleBatch(
  deps: LaneDeps,
  tx: Transaction,
  limit: number,
  onDeadlock: () => void,
): Promise<number> {
  const claims = await claimEvents(tx.em, deps.name, deps.now(), limit);
  const done: string[] = [];
  const waiting = new Set<string>();
  const endsAt = performance.now() + BATCH_MS;
  for (const [index, claim] of claims.entries()) {
    const { stream } = claim.event;
    if (waiting.has(stream)) continue;
    if (index > 0 && performance.now() > endsAt) break;
    // What one handler has read must not be what the next one finds in memory.
    tx.em.clear();
    try {
      if (await handleClaim(deps, claim, tx)) done.push(claim.position);
    } catch (error) {
      // Two batches each hold what the other needs. All is undone, and comes again without having failed.
      if (error instanceof DeadlockException && claims.length > 1) {
        onDeadlock();
        throw error;
      }
      // Still under the row's lock: released first, another worker would try again at once, without any pause.
      await recordFailure(deps, claim, error, tx);
      waiting.add(stream);
    }
  }
  await store.markDone(tx.em, done, deps.now());
  return claims.length;
}

/** Returns false for what was made a dead letter. */
async function handleClaim(
  { log, handle, now, name, tracing }: LaneDeps,
  claim: Claim,
  tx: Transaction,
): Promise<boolean> {
  const opened = openFrame(claim.event);
  if ('problem' in opened) {
    // Trying again cannot help. It waits for code that understands it, and is replayed then.
    log.error({ eventId: claim.event.id, reason: opened.problem }, 'event cannot be read, now a dead letter');
    await store.markDead(tx.em, claim, opened.problem, now());
    return false;
  }
  const { event } = opened;
  await recordReaction(tracing, name, event, () => tx.savepoint((inner) => handle(event, inner)));
  return true;
}

async function recordFailure(
  { name, log, now, random, maxAttempts }: LaneDeps,
  claim: Claim,
  error: unknown,
  { em }: Transaction,
): Promise<void> {
  const attempts = claim.attempts + 1;
  const reason = messageOf(error);
  const context = { consumer: name, eventId: claim.event.id, event: claim.event.name, attempts, reason };
  if (attempts >= maxAttempts) {
    await store.markDead(em, claim, reason, now());
    log.error({ ...context, err: error }, 'event failed too often, now a dead letter');
  } else {
    const nextAttemptAt = new Date(now().getTime() + backoffMs(attempts, random));
    await store.markFailed(em, claim, reason, nextAttemptAt);
    log.warn(context, 'event failed, will be tried again');
  }
}
