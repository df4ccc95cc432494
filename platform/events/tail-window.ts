import type { Cursor } from './cursor.ts';
import type { StreamHead } from './event-log.ts';
import type { AnyEvent } from './ports.ts';

export type ResyncReason = 'WINDOW_EXPIRED' | 'EPOCH_CHANGED';

/** Why a reader at `cursor` cannot go on in a stream whose head is `head`; null where it can. */
export function resyncReason(cursor: Cursor, head: StreamHead): ResyncReason | null {
  const fromTheBeginning = cursor.epoch === 0 && cursor.seq === 0;
  if (!fromTheBeginning && cursor.epoch !== head.epoch) return 'EPOCH_CHANGED';
  // Ahead of the log: the database was restored from before the cursor was given out.
  if (cursor.seq > head.lastSeq) return 'EPOCH_CHANGED';
  return cursor.seq + 1 < head.oldestSeq ? 'WINDOW_EXPIRED' : null;
}

/**
 * What a tail knows: its place, the events that follow it directly, and the highest number it has heard of. It takes events from the log and
 * from the live bus in any order, drops what it has seen, and keeps only what continues without a gap; `behind` says that the log must be read.
 */
export class TailWindow {
  readonly #events: AnyEvent[] = [];
  readonly #maxEvents: number;
  #cursor: Cursor;
  #knownSeq: number;

  /** Never holds more than `maxEvents`; what does not fit is read from the log later. */
  constructor(start: Cursor, maxEvents: number) {
    this.#maxEvents = maxEvents;
    this.#cursor = start;
    this.#knownSeq = start.seq;
  }

  get cursor(): Cursor {
    return this.#cursor;
  }

  get knownSeq(): number {
    return this.#knownSeq;
  }

  get behind(): boolean {
    return this.#events.length === 0 && this.ready;
  }

  /** Whether there is an event to take or to read. */
  get ready(): boolean {
    return this.#knownSeq > this.#cursor.seq;
  }

  offer(event: AnyEvent): void {
    this.hear(event.seq);
    const nextSeq = (this.#events.at(-1)?.seq ?? this.#cursor.seq) + 1;
    if (event.seq === nextSeq && this.#events.length < this.#maxEvents) this.#events.push(event);
  }

  /** The next event; the cursor moves onto it. */
  take(): AnyEvent | undefined {
    const event = this.#events.shift();
    if (event) this.#cursor = { epoch: this.#cursor.epoch, seq: event.seq };
    return event;
  }

  hear(seq: number): void {
    this.#knownSeq = Math.max(this.#knownSeq, seq);
  }

  /** The log has nothing beyond the cursor, although `claimedSeq` had been heard of. */
  disbelieve(claimedSeq: number): void {
    // A higher number heard during the read stands: it was committed after the read began.
    if (this.#knownSeq === claimedSeq && this.#events.length === 0) this.#knownSeq = this.#cursor.seq;
  }

  /** The stream got its epoch with its first event, after this tail had begun. */
  adoptEpoch(epoch: number): void {
    this.#cursor = { epoch, seq: this.#cursor.seq };
  }

  /** Forgets everything but this place. */
  moveTo(cursor: Cursor): void {
    this.#events.length = 0;
    this.#cursor = cursor;
    this.#knownSeq = cursor.seq;
  }
}
