import type { EventName } from '#schema/events.ts';
import type { Database } from '#platform/database.ts';
import type { Log } from '#platform/log.ts';
import type { Cursor } from './cursor.ts';
import { head, read, type ReadOptions, type StreamHead } from './event-log.ts';
import {
  createInbox,
  type ConsumeOptions,
  type DeadLetter,
  type Handler,
  type InboxTiming,
} from './inbox.ts';
import { createOutboxRelay, type OutboxLag, type RelayObserver } from './outbox-relay.ts';
import type { AnyEvent, DurableBus, LiveBus } from './ports.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import type { Listening } from '#platform/polling/poll.ts';
import { tailStream, type StreamTail } from './tail.ts';
import { pollStream } from './tail-poll.ts';
import { transact, type Transaction } from './unit-of-work.ts';

/** What a subgraph gets in its deps. Order of use: `consume` for every reaction, then `start`; `stop` before the database closes. */
export interface Events {
  /** The one way to write; see unit-of-work.ts. */
  transact<T>(run: (tx: Transaction) => Promise<T>): Promise<T>;
  /**
   * Replays a stream after `after`, then stays live: no gap, no duplicate, in order. `after: null` starts now. Resolves once it is live.
   * For a poll it ends where the log does, and begins where the poll before has ended.
   */
  tail(stream: string, after: Cursor | null, listening?: Partial<Listening>): Promise<StreamTail>;
  /** Past events of a stream, in order. */
  read(stream: string, options?: ReadOptions): Promise<AnyEvent[]>;
  head(stream: string): Promise<StreamHead>;
  /**
   * Registers a durable reaction, before `start`. `consumer` names it for good: its progress is kept under that name, and processes that use the
   * same name share the work. What the handler writes is committed with the note that its event is done, or not at all,
   * maybe together with other events; an event is handled once, in the order of its stream.
   */
  consume<N extends EventName>(
    consumer: string,
    names: readonly N[],
    handler: Handler<N>,
    options?: ConsumeOptions<N>,
  ): void;
  /** Events that failed too often or cannot be read, oldest first. */
  deadLetters(limit?: number): Promise<DeadLetter[]>;
  /** Gives a dead letter a fresh set of attempts. Returns false where there is none with this id. */
  replayDeadLetter(id: string): Promise<boolean>;
  outboxLag(): Promise<OutboxLag>;
  /**
   * Starts consumers, then the outbox relay. In the all-in-one process call `startConsumers` of every subgraph before `startRelay` of any:
   * the in-process bus delivers only to consumers that it knows.
   */
  start(): Promise<void>;
  startConsumers(): Promise<void>;
  startRelay(): void;
  /** Finishes the events under way; what is left waits in the tables. */
  stop(): Promise<void>;
}

export interface EventsDeps {
  readonly database: Database;
  readonly durableBus: DurableBus;
  readonly liveBus: LiveBus;
  readonly log: Log;
  readonly observer?: RelayObserver;
  /** Without it reactions are not recorded. */
  readonly tracing?: Tracing | null;
  readonly inboxTiming?: InboxTiming;
}

export function createEvents(deps: EventsDeps): Events {
  const { database, liveBus, log } = deps;
  const relay = createOutboxRelay(deps);
  const transactDeps = { database, liveBus, log, onCommit: () => relay.wake() };
  const runTransaction: Events['transact'] = (run) => transact(transactDeps, run);
  const inbox = createInbox({ ...deps, timing: deps.inboxTiming, transact: runTransaction });
  const startConsumers = () => inbox.start();
  const startRelay = () => relay.start();
  return {
    transact: runTransaction,
    tail: (stream, after, { signal, poll, onStart } = {}) =>
      poll
        ? pollStream({ database, stream, after, poll })
        : tailStream({ database, liveBus, log, stream, after, signal, onStart }),
    read: (stream, options) => read(database.fork(), stream, options),
    head: (stream) => head(database.fork(), stream),
    consume: inbox.consume,
    deadLetters: inbox.deadLetters,
    replayDeadLetter: inbox.replayDeadLetter,
    outboxLag: relay.lag,
    startConsumers,
    startRelay,
    async start() {
      await startConsumers();
      startRelay();
    },
    async stop() {
      await relay.stop();
      await inbox.stop();
    },
  };
}
