import { fullBucket, takeToken } from './token-bucket.ts';

/** Listeners of a room who are told of one by one; of the others only their number is told. */
export interface ListingLimits {
  /** How many are listed at once. */
  readonly most: number;
  /** How many of them may come in a moment, and in each second after it: whoever leaves makes room for another. */
  readonly burst: number;
  readonly perSecond: number;
}

/**
 * Who of a room's listeners is listed. What everybody has to be told does not grow with the number of listeners that way, nor with how fast they come
 * and go.
 */
export class ListedListeners {
  readonly #limits: ListingLimits;
  readonly #ids = new Set<string>();
  #bucket;

  constructor(limits: ListingLimits, nowMs: number) {
    this.#limits = limits;
    this.#bucket = fullBucket(limits.burst, limits.perSecond, nowMs);
  }

  get size(): number {
    return this.#ids.size;
  }

  has(participantId: string): boolean {
    return this.#ids.has(participantId);
  }

  /** Whether that listener is listed from now on; one that is already is. */
  offer(participantId: string, nowMs: number): boolean {
    if (this.has(participantId)) return true;
    if (this.size >= this.#limits.most) return false;
    const { bucket, waitMs } = takeToken(this.#bucket, nowMs);
    this.#bucket = bucket;
    if (waitMs > 0) return false;
    this.#ids.add(participantId);
    return true;
  }

  /** Somebody who was listed for another reason listens now. */
  keep(participantId: string): void {
    this.#ids.add(participantId);
  }

  remove(participantId: string): void {
    this.#ids.delete(participantId);
  }
}
