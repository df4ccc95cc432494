import { DeadlockException } from '@mikro-orm/core';
import type { EventName } from '#schema/events.ts';
import type { Database, Em } from '#platform/database.ts';
import { messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { append, type NewEvent } from './event-log.ts';
import type { EventEnvelope, LiveBus } from './ports.ts';

/** One transaction: what `em` flushes and what `append` writes is committed together or not at all. */
export interface Transaction {
  readonly em: Em;
  append<N extends EventName>(event: NewEvent<N>): Promise<EventEnvelope<N>>;
  /** A part that may fail alone: when `run` throws, its changes and events are undone, the error goes on to the caller, the rest stands. */
  savepoint<T>(run: (tx: Transaction) => Promise<T>): Promise<T>;
}

export interface TransactDeps {
  readonly database: Database;
  readonly liveBus: LiveBus;
  readonly log: Log;
  /** Called after a commit that appended events. */
  readonly onCommit: () => void;
}

const MAX_ATTEMPTS = 3;

/**
 * The one way in which services write. Changes of `em` are flushed before the commit. After it, never before, each appended event goes to
 * the live bus (topic = stream) and the outbox is woken. A transaction that PostgreSQL picked as a deadlock's victim runs again, so `run` must
 * have no effect outside of `tx`.
 */
export async function transact<T>(deps: TransactDeps, run: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const appended: EventEnvelope[] = [];
    try {
      const result = await deps.database.fork().transactional((em) => run(createTransaction(em, appended)));
      announce(deps, appended);
      return result;
    } catch (error) {
      if (!(error instanceof DeadlockException) || attempt === MAX_ATTEMPTS) throw error;
      deps.log.warn({ attempt }, 'transaction deadlocked, trying again');
    }
  }
}

function createTransaction(em: Em, appended: EventEnvelope[]): Transaction {
  return {
    em,
    async append(event) {
      const envelope = await append(em, event);
      appended.push(envelope);
      return envelope;
    },
    async savepoint(run) {
      const inner: EventEnvelope[] = [];
      const result = await em.transactional((innerEm) => run(createTransaction(innerEm, inner)));
      appended.push(...inner);
      return result;
    },
  };
}

// Nobody waits for the live bus: what it loses, subscribers read from the log, and a slow Redis must not slow down writers.
function announce({ liveBus, log, onCommit }: TransactDeps, appended: readonly EventEnvelope[]): void {
  if (appended.length === 0) return;
  onCommit();
  for (const event of appended)
    liveBus.publish(event.stream, event).catch((error: unknown) => {
      log.warn({ eventId: event.id, reason: messageOf(error) }, 'live event not published');
    });
}
