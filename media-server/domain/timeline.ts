import { FRAME_SAMPLES, OPUS_RATE_HZ, opusSamples, SILENT_FRAME } from './opus-packet.ts';
import type { RtpPacket } from './rtp-packet.ts';

/** Half a second, where nobody waits for the track. */
export const HOLD_SAMPLES: number = OPUS_RATE_HZ / 2;

/** A delay that changes by less is the network's and leaves the track alone; one that stays is made up for. */
const TOLERANCE_SAMPLES = OPUS_RATE_HZ / 10;
/** What overlaps by more than this is passed over. */
const OVERLAP_SAMPLES = 2 * FRAME_SAMPLES;
/** Timestamps that jump by this much against the clock belong to another count. */
const JUMP_SAMPLES = OPUS_RATE_HZ;

interface Waiting {
  readonly payload: Buffer;
  /** Timestamp without its wrap around. */
  readonly sentAt: number;
  readonly at: number;
  readonly span: number;
}

/**
 * Puts the packets of one speaker where they belong. Timestamps tell how far packets are from each other, but not from those of other speakers, and
 * they stand still in some browsers while a microphone is off; the clock tells both, but with the network's delays in it. So a packet lies as far
 * behind its timestamp as the fastest of those around it did. Silence, sent or not, keeps its length: tracks stay aligned.
 *
 * All positions are samples of 48 kHz, counted from one moment that the caller has chosen.
 */
export class Timeline {
  #waiting: Waiting[] = [];
  #last: Waiting | null = null;
  #span = 0;
  #shift = { span: -1, samples: 0 };
  #position: number;
  readonly #hold: number;

  /** A packet waits for `hold` samples for those that were sent before it and came later, and for what they tell about the delay of all. */
  constructor(start: number, hold: number = HOLD_SAMPLES) {
    this.#position = start;
    this.#hold = hold;
  }

  /** How far packets have been handed out. */
  get position(): number {
    return this.#position;
  }

  /** Takes a packet in that arrived at `at`. */
  push({ timestamp, payload }: RtpPacket, at: number): void {
    if (opusSamples(payload) === 0) return;
    const last = this.#last;
    const sentAt = last ? last.sentAt + ((timestamp - last.sentAt) | 0) : timestamp;
    if (last && Math.abs(at - sentAt - (last.at - last.sentAt)) > JUMP_SAMPLES) this.#span++;
    const span = this.#span;
    this.#last = { payload, sentAt, at, span };
    const before = this.#waiting.findLastIndex((one) => one.span !== span || one.sentAt <= sentAt);
    const former = this.#waiting[before];
    // The same packet again.
    if (former?.span === span && former.sentAt === sentAt) return;
    this.#waiting.splice(before + 1, 0, this.#last);
  }

  /** Says that what comes next has nothing to do with the timestamps of before: another sender, or one that was paused. */
  cut(): void {
    this.#span++;
  }

  /** Packets that play up to `hold` before `now`, gaps filled with silence. */
  advance(now: number): Buffer[] {
    const due = now - this.#hold;
    const placed = this.#placeUntil(due);
    return this.#waiting.length > 0 ? placed : [...placed, ...this.#silence(due)];
  }

  /** All that is left, and silence up to `end`. */
  finish(end: number): Buffer[] {
    const placed = this.#placeUntil(Number.POSITIVE_INFINITY);
    return [...placed, ...this.#silence(end)];
  }

  #placeUntil(arrived: number): Buffer[] {
    const placed: Buffer[] = [];
    for (let next = this.#waiting[0]; next && next.at <= arrived; next = this.#waiting[0]) {
      this.#waiting.shift();
      placed.push(...this.#place(next));
    }
    return placed;
  }

  #place(packet: Waiting): Buffer[] {
    const at = packet.sentAt + this.#shiftOf(packet);
    if (this.#position - at > OVERLAP_SAMPLES) return [];
    const gap = this.#silence(at);
    this.#position += opusSamples(packet.payload);
    return [...gap, packet.payload];
  }

  #shiftOf(packet: Waiting): number {
    const { span } = packet;
    const around = this.#waiting.filter((one) => one.span === span && one.at <= packet.at + this.#hold);
    const samples = Math.min(...[packet, ...around].map(({ at, sentAt }) => at - sentAt));
    const kept = this.#shift.span === span && Math.abs(this.#shift.samples - samples) <= TOLERANCE_SAMPLES;
    if (!kept) this.#shift = { span, samples };
    return this.#shift.samples;
  }

  #silence(until: number): Buffer[] {
    const frames = Math.max(0, Math.round((until - this.#position) / FRAME_SAMPLES));
    this.#position += frames * FRAME_SAMPLES;
    return Array<Buffer>(frames).fill(SILENT_FRAME);
  }
}
