import type { EventName } from '#schema/events.ts';
import type { Database } from '#platform/database.ts';
import type { Log } from '#platform/log.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import { createIntake } from './inbox-intake.ts';
import { createLane } from './inbox-lane.ts';
import * as store from './inbox-store.ts';
import type { DeadLetter } from './inbox-store.ts';
import type { AnyEvent, Consumption, DurableBus } from './ports.ts';
import type { Transaction } from './unit-of-work.ts';
import type { WorkLoop } from './work-loop.ts';

export type { DeadLetter } from './inbox-store.ts';

/** Reacts to one event. All it writes through `tx` is committed together with the note that the event is done. */
export type Handler<N extends EventName = EventName> = (event: AnyEvent<N>, tx: Transaction) => Promise<void>;

export interface ConsumeOptions<N extends EventName = EventName> {
  /** Events that it is false for are dropped as they arrive, before they cost a row and a transaction. It must always answer the same for an event. */
  readonly wants?: (event: AnyEvent<N>) => boolean;
}

/** Injectable for tests. */
export interface InboxTiming {
  readonly now?: () => Date;
  /** 0 to 1. */
  readonly random?: () => number;
  readonly maxAttempts?: number;
  /** Longest wait for a retry that has become due. */
  readonly pollMs?: number;
}

export interface InboxDeps {
  readonly database: Database;
  readonly durableBus: DurableBus;
  readonly log: Log;
  readonly transact: <T>(run: (tx: Transaction) => Promise<T>) => Promise<T>;
  readonly timing?: InboxTiming;
  readonly tracing?: Tracing | null;
}

interface Consumer {
  readonly name: string;
  readonly names: readonly EventName[];
  readonly handle: (event: AnyEvent, tx: Transaction) => Promise<void>;
  readonly wants: ((event: AnyEvent) => boolean) | undefined;
  readonly lanes: readonly WorkLoop[];
}

// Streams are handled side by side by this many workers for each consumer.
const LANES = 2;
const MAX_ATTEMPTS = 10;
const POLL_MS = 500;

export type Inbox = ReturnType<typeof createInbox>;

export function createInbox(deps: InboxDeps) {
  const { database, durableBus, timing = {} } = deps;
  const now = timing.now ?? (() => new Date());
  const consumers = new Map<string, Consumer>();
  const consumptions: Consumption[] = [];

  const { maxAttempts = MAX_ATTEMPTS, pollMs = POLL_MS, random } = timing;
  const laneDeps = { ...deps, tracing: deps.tracing ?? null, now, maxAttempts, pollMs, random };

  const wake = () => consumers.forEach(({ lanes }) => lanes.forEach((lane) => lane.wake()));

  const intakeOf = ({ lanes, ...consumer }: Consumer) =>
    createIntake({ ...deps, ...consumer, now, onStored: () => lanes.forEach((lane) => lane.wake()) });

  return {
    consume<N extends EventName>(
      name: string,
      names: readonly N[],
      handler: Handler<N>,
      options: ConsumeOptions<N> = {},
    ): void {
      if (consumers.has(name)) throw new Error(`The consumer ${name} is registered already.`);
      const wanted = new Set<string>(names);
      const handle = (event: AnyEvent, tx: Transaction) =>
        wanted.has(event.name) ? handler(event as AnyEvent<N>, tx) : Promise.resolve();
      const { wants } = options;
      const wantsAny = wants && ((event: AnyEvent) => !wanted.has(event.name) || wants(event as AnyEvent<N>));
      const lanes = Array.from({ length: LANES }, () => createLane({ ...laneDeps, name, handle }));
      consumers.set(name, { name, names, handle, wants: wantsAny, lanes });
    },
    /** Resolves once every consumer is registered at the bus. */
    async start(): Promise<void> {
      for (const consumer of consumers.values()) {
        consumer.lanes.forEach((lane) => lane.start());
        consumptions.push(await durableBus.consume(intakeOf(consumer)));
      }
    },
    async stop(): Promise<void> {
      await Promise.all(consumptions.splice(0).map((consumption) => consumption.stop()));
      await Promise.all([...consumers.values()].flatMap(({ lanes }) => lanes.map((lane) => lane.stop())));
    },
    /** Looks at the inbox now instead of at the next poll. */
    wake,
    deadLetters: (limit = 100): Promise<DeadLetter[]> => store.listDeadLetters(database.fork(), limit),
    async replayDeadLetter(id: string): Promise<boolean> {
      const found = await store.reviveDeadLetter(database.fork(), id, now());
      if (found) wake();
      return found;
    },
  };
}
