import type { EventName, EventPayload } from '#schema/events.ts';

/** One entry of an event log, and the form in which an event crosses a process boundary. */
export interface EventEnvelope<N extends EventName = EventName> {
  /** `evt_…`; the key for deduplication everywhere. */
  readonly id: string;
  readonly name: N;
  /** Version of the payload's shape. */
  readonly version: number;
  /** What the event happened to, for example `room:rom_…`. */
  readonly stream: string;
  /** Position in its stream: 1, 2, 3 … without a gap. */
  readonly seq: number;
  /** UTC instant, RFC 3339, milliseconds. */
  readonly at: string;
  /** User who caused it, or null for the platform itself. */
  readonly actorId: string | null;
  readonly correlationId: string | null;
  /** W3C; where it was written by work that is recorded, on its way to those who react to it. */
  readonly traceparent?: string | undefined;
  readonly payload: EventPayload<N>;
}

/** An event whose `name` tells the type of its payload: `switch (event.name)` narrows. */
export type AnyEvent<N extends EventName = EventName> = { [K in N]: EventEnvelope<K> }[N];

/** An event as it arrives from outside: neither its name, its version nor its payload has been checked. */
export interface EventFrame extends Omit<EventEnvelope, 'name' | 'payload'> {
  readonly name: string;
  readonly payload?: unknown;
}

/** How far a durable consumer has read what the bus carries. The consumer keeps it, in the database that holds its events. */
export interface BusPosition {
  /** One unbroken reading, from the beginning on: positions of different sources cannot be compared. */
  readonly source: string;
  /** Place of the last message taken; 0 before the first. */
  readonly seq: number;
  /** Tells that message from another one at the same place, should the bus have lost its newest. */
  readonly mark: string;
}

export interface EventBatch {
  /** In the order of the bus, and only of the names that the consumer asked for. */
  readonly events: readonly EventFrame[];
  /** Where the consumer is with this batch; null from a bus that keeps no past. */
  readonly upTo: BusPosition | null;
}

/** Who receives events for good. Several processes with the same name share its work and its position. */
export interface DurableConsumer {
  /** Letters, digits, `-` and `_`. */
  readonly name: string;
  readonly names: readonly EventName[];
  /** Where to read on; null where it has never read. Asked before the first batch, and again after each one that was rejected. */
  position(): Promise<BusPosition | null>;
  /** Gives up `instead`, of which nothing can be said any more, for the beginning of `source`. Changes nothing where another process did so first. */
  begin(source: string, instead: BusPosition | null): Promise<void>;
  /** Stores the events with their position, all or nothing, before it resolves. What is rejected comes again. */
  accept(batch: EventBatch): Promise<void>;
}

/**
 * Carries every published event to every durable consumer, at least once. Order within a stream is kept.
 * Completeness never depends on a process being up: a consumer that was away receives what it missed.
 */
export interface DurableBus {
  /** Resolves once the event is stored by the bus (or by every consumer); rejects where that failed, so the caller retries. */
  publish(event: EventFrame): Promise<void>;
  /** Resolves once the consumer is registered. */
  consume(consumer: DurableConsumer): Promise<Consumption>;
  /** Rejects where the bus cannot take events now. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface Consumption {
  /** Waits for the batch under way. */
  stop(): Promise<void>;
}

/**
 * Fast hints between processes. It may lose messages to a subscriber that is away; what must not be lost is read from an event log.
 * Payloads are JSON values.
 */
export interface LiveBus {
  publish(topic: string, payload: unknown): Promise<void>;
  /** Resolves once the subscription is live: a message published after that moment is received. */
  subscribe(topic: string): Promise<LiveSubscription>;
  ping(): Promise<void>;
  close(): Promise<void>;
}

/** Messages in order of arrival. Ends after `return()` or when the bus closes. */
export interface LiveSubscription<T = unknown> extends AsyncIterableIterator<T> {
  return(): Promise<IteratorResult<T>>;
}
