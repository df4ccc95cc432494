import { setTimeout as delay } from 'node:timers/promises';
import { PACKET_MS } from '../rtp.ts';

/** Somebody who sends a packet every 20 ms. */
export interface Voice {
  /** Packets so far. */
  readonly said: number;
  say(): void;
}

/** What is later than this is not made up for: nobody sends a burst because this process had no time. */
const LATE_MS = 3 * PACKET_MS;

/** All who speak in this process, by producer. */
export class Voices {
  readonly #open = new Map<string, Voice>();
  readonly #stopping = new AbortController();
  /** The most that a packet was late, in ms. */
  latestMs = 0;

  get size(): number {
    return this.#open.size;
  }

  add(producerId: string, voice: Voice): void {
    this.#open.set(producerId, voice);
  }

  remove(producerId: string): void {
    this.#open.delete(producerId);
  }

  /** What that voice has said so far; 0 of one that is not known. */
  said(producerId: string): number {
    return this.#open.get(producerId)?.said ?? 0;
  }

  /** Lets them speak until `stop`. Rejects where one cannot. */
  async run(): Promise<void> {
    const { signal } = this.#stopping;
    let dueMs = performance.now();
    while (!signal.aborted) {
      for (const voice of this.#open.values()) voice.say();
      dueMs += PACKET_MS;
      const lateMs = performance.now() - dueMs;
      this.latestMs = Math.max(this.latestMs, lateMs);
      if (lateMs > LATE_MS) dueMs += lateMs;
      await delay(Math.max(0, -lateMs));
    }
  }

  stop(): void {
    this.#stopping.abort();
  }
}
