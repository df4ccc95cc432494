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
  readonly payload: EventPayload<N>;
}

/** An event whose `name` tells the type of its payload: `switch (event.name)` narrows. */
export type AnyEvent<N extends EventName = EventName> = { [K in N]: EventEnvelope<K> }[N];

/** An event as it arrives from outside: neither its name, its version nor its payload has been checked. */
export interface EventFrame extends Omit<EventEnvelope, 'name' | 'payload'> {
  readonly name: string;
  readonly payload?: unknown;
}

/**
 * Carries every published event to every durable consumer, at least once. Order within a stream is kept.
 * Completeness never depends on a process being up: a consumer that was away receives what it missed.
 */
export interface DurableBus {
  /** Resolves once the event is stored by the bus (or by every consumer); rejects where that failed, so the caller retries. */
  publish(event: EventFrame): Promise<void>;
  /**
   * Registers a durable consumer. `accept` must store the event (or reject) before it resolves; a rejected event comes again.
   * The same `consumer` name in two processes shares the work.
   */
  consume(
    consumer: string,
    names: readonly EventName[],
    accept: (event: EventFrame) => Promise<void>,
  ): Promise<Consumption>;
  /** Rejects where the bus cannot take events now. */
  ping(): Promise<void>;
  close(): Promise<void>;
}

export interface Consumption {
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
