import { DeadlockException } from '@mikro-orm/core';
import type { EventName } from '#schema/events.ts';
import type { Database, Em } from '#platform/database.ts';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { appendAll, type NewEvent } from './event-log.ts';
import type { EventEnvelope, LiveBus } from './ports.ts';

/** One transaction: what `em` flushes and what `append` writes is committed together or not at all. */
export interface Transaction {
  readonly em: Em;
  append<N extends EventName>(event: NewEvent<N>): Promise<EventEnvelope<N>>;
  /** The same for several at once, in this order. */
  appendAll<N extends EventName>(events: readonly NewEvent<N>[]): Promise<EventEnvelope<N>[]>;
  /** Sends a live message after the commit, never before: whoever looks because of it sees what was committed. It may get lost. */
  tell(topic: string, payload: unknown): void;
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
 * the live bus (topic = stream), with what else is to be told, and the outbox is woken. A transaction that PostgreSQL picked as a deadlock's victim runs again, so `run` must
 * have no effect outside of `tx`.
 */
export async function transact<T>(deps: TransactDeps, run: (tx: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const messages: LiveMessage[] = [];
    try {
      const result = await deps.database.fork().transactional((em) => run(createTransaction(em, messages)));
      announce(deps, messages);
      return result;
    } catch (error) {
      if (!(error instanceof DeadlockException) || attempt === MAX_ATTEMPTS) throw error;
      deps.log.warn({ attempt }, 'transaction deadlocked, trying again');
    }
  }
}

/** What is to be told once it is committed. */
interface LiveMessage {
  readonly topic: string;
  readonly payload: unknown;
  /** Of an event of the log; what is no event wakes no outbox. */
  readonly eventId?: string;
}

function createTransaction(em: Em, messages: LiveMessage[]): Transaction {
  return {
    em,
    async append(event) {
      const [envelope] = await appendAll(em, [event]);
      if (!envelope) throw new CodedError('INTERNAL_SERVER_ERROR', 'The event was not written.');
      messages.push(toLive(envelope));
      return envelope;
    },
    async appendAll(events) {
      const envelopes = await appendAll(em, events);
      messages.push(...envelopes.map(toLive));
      return envelopes;
    },
    tell: (topic, payload) => void messages.push({ topic, payload }),
    async savepoint(run) {
      const inner: LiveMessage[] = [];
      const result = await em.transactional((innerEm) => run(createTransaction(innerEm, inner)));
      messages.push(...inner);
      return result;
    },
  };
}

const toLive = (event: EventEnvelope): LiveMessage => ({
  topic: event.stream,
  payload: event,
  eventId: event.id,
});

// Nobody waits for the live bus: what it loses, subscribers read from the log, and a slow Redis must not slow down writers.
function announce({ liveBus, log, onCommit }: TransactDeps, messages: readonly LiveMessage[]): void {
  if (messages.some(({ eventId }) => eventId !== undefined)) onCommit();
  for (const { topic, payload, eventId } of messages)
    liveBus.publish(topic, payload).catch((error: unknown) => {
      log.warn({ topic, eventId, reason: messageOf(error) }, 'live message not published');
    });
}
