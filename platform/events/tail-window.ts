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
export interface TailWindow {
  readonly cursor: Cursor;
  readonly knownSeq: number;
  readonly behind: boolean;
  /** Whether there is an event to take or to read. */
  readonly ready: boolean;
  offer(event: AnyEvent): void;
  /** The next event; the cursor moves onto it. */
  take(): AnyEvent | undefined;
  hear(seq: number): void;
  /** The log has nothing beyond the cursor, although `claimedSeq` had been heard of. */
  disbelieve(claimedSeq: number): void;
  /** The stream got its epoch with its first event, after this tail had begun. */
  adoptEpoch(epoch: number): void;
  /** Forgets everything but this place. */
  moveTo(cursor: Cursor): void;
}

/** Never holds more than `maxEvents`; what does not fit is read from the log later. */
export function createTailWindow(start: Cursor, maxEvents: number): TailWindow {
  const events: AnyEvent[] = [];
  let cursor = start;
  let knownSeq = start.seq;
  return {
    get cursor() {
      return cursor;
    },
    get knownSeq() {
      return knownSeq;
    },
    get behind() {
      return events.length === 0 && knownSeq > cursor.seq;
    },
    get ready() {
      return knownSeq > cursor.seq;
    },
    offer(event) {
      knownSeq = Math.max(knownSeq, event.seq);
      const nextSeq = (events.at(-1)?.seq ?? cursor.seq) + 1;
      if (event.seq === nextSeq && events.length < maxEvents) events.push(event);
    },
    take() {
      const event = events.shift();
      if (event) cursor = { epoch: cursor.epoch, seq: event.seq };
      return event;
    },
    hear(seq) {
      knownSeq = Math.max(knownSeq, seq);
    },
    disbelieve(claimedSeq) {
      // A higher number heard during the read stands: it was committed after the read began.
      if (knownSeq === claimedSeq && events.length === 0) knownSeq = cursor.seq;
    },
    adoptEpoch(epoch) {
      cursor = { epoch, seq: cursor.seq };
    },
    moveTo(next) {
      events.length = 0;
      cursor = next;
      knownSeq = next.seq;
    },
  };
}
