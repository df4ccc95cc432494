import type { LiveEvent } from './live-event.ts';

/** How much is kept for those who come back; see RecentEvents. */
export interface RecollectionLimits {
  /** Of one group. */
  readonly maxEvents: number;
  /** JSON text of all events that are kept. */
  readonly maxBytes: number;
}

const LIMITS: RecollectionLimits = { maxEvents: 256, maxBytes: 32 * 1024 * 1024 };

/** Half of what waits for a client: none that reads is too slow for it. */
const MAX_AT_ONCE_BYTES = 128 * 1024;

/** The latest events of all groups together, oldest first: memory is bounded, however many groups there are. */
export interface Recollection {
  begin(start: unknown): RecentEvents;
}

export function createRecollection(limits: Partial<RecollectionLimits> = {}): Recollection {
  const { maxEvents, maxBytes } = { ...LIMITS, ...limits };
  // A Map iterates in the order of insertion.
  const kept = new Map<LiveEvent, { readonly of: RecentEvents; readonly bytes: number }>();
  let bytes = 0;
  const drop = (event: LiveEvent) => {
    bytes -= kept.get(event)?.bytes ?? 0;
    kept.delete(event);
  };
  const keep: Keep = (event, of) => {
    kept.set(event, { of, bytes: event.bytes });
    bytes += event.bytes;
    for (const [oldest, { of: owner }] of kept) {
      if (bytes <= maxBytes) return;
      drop(oldest);
      owner.forget(oldest);
    }
  };
  return { begin: (start) => new RecentEvents(start, maxEvents, keep, drop) };
}

type Keep = (event: LiveEvent, of: RecentEvents) => void;

/**
 * The last events of a subscription with a log, from a known place on. Whoever comes back to a place in between is given the rest from here,
 * and asks no subgraph: many come back at once when a gateway is gone.
 */
export class RecentEvents {
  readonly #maxEvents: number;
  readonly #keep: Keep;
  readonly #drop: (event: LiveEvent) => void;
  readonly #events: LiveEvent[] = [];
  /** The place before the first event; undefined where that is not known. */
  #start: unknown;

  constructor(start: unknown, maxEvents: number, keep: Keep, drop: (event: LiveEvent) => void) {
    this.#start = start ?? undefined;
    this.#maxEvents = maxEvents;
    this.#keep = keep;
    this.#drop = drop;
  }

  /** Events behind a place, or null where it is not known here, or they are too many to be handed over at once. */
  behind(place: unknown): readonly LiveEvent[] | null {
    const at = this.#events.findLastIndex(({ cursor }) => cursor === place);
    const isStart = place !== undefined && place === this.#start;
    if (at < 0 && !isStart) return null;
    const events = this.#events.slice(at + 1);
    const bytes = events.reduce((sum, event) => sum + event.bytes, 0);
    return bytes <= MAX_AT_ONCE_BYTES ? events : null;
  }

  add(event: LiveEvent): void {
    this.#events.push(event);
    this.#keep(event, this);
    const [oldest] = this.#events;
    if (this.#events.length <= this.#maxEvents || !oldest) return;
    this.#drop(oldest);
    this.forget(oldest);
  }

  /** For the Recollection: `event` is the oldest one. */
  forget(event: LiveEvent): void {
    this.#events.shift();
    this.#start = event.cursor;
  }

  clear(): void {
    for (const event of this.#events.splice(0)) this.#drop(event);
    this.#start = undefined;
  }
}
