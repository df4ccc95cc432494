import { CodedError } from '#platform/errors.ts';
import type { DeliveryDirectives } from './delivery-directives.ts';

const RATE_HZ = 48_000;
/** Of AAC. */
const FRAME_SAMPLES = 1_024;

const PART_FRAMES = 15;
export const PART_MS: number = (PART_FRAMES * FRAME_SAMPLES * 1_000) / RATE_HZ;
export const SEGMENT_PARTS = 6;
const SEGMENT_MS = SEGMENT_PARTS * PART_MS;

const TARGET_SECONDS = Math.ceil(SEGMENT_MS / 1_000);
/** A request that waits for so long will not be answered. */
export const MAX_BLOCKING_MS: number = 3 * TARGET_SECONDS * 1_000;

/** Longer than parts are: each has to come within this time of the one before, and neither mixing nor encoding keeps time to the millisecond. */
const PART_TARGET_SECONDS = 0.35;
const PART_HOLD_BACK_SECONDS = 3 * PART_TARGET_SECONDS;
const HOLD_BACK_SECONDS = 3 * TARGET_SECONDS;
const ADVANCE_PART_LIMIT = 3 / PART_TARGET_SECONDS;

/** A client that was away for some seconds still finds its segment. */
const LISTED_SEGMENTS = 8;
/** Those that were listed a moment ago may just be asked for. */
const KEPT_PARTS = (LISTED_SEGMENTS + 3) * SEGMENT_PARTS;
/** Parts are for those at the live edge: behind three target durations there are segments alone. */
const LISTED_PARTS = Math.floor((3 * TARGET_SECONDS * 1_000) / PART_MS);

const NAME = /^(\d{1,15})(?:\.(\d))?\.m4s$/;

interface Part {
  readonly bytes: Buffer;
  readonly frames: number;
}

/**
 * The newest seconds of a broadcast, and their playlist (RFC 8216bis), which plays with low latency, and without for whom the tags of parts mean nothing.
 * Parts are counted through: number `msn * SEGMENT_PARTS + index`.
 */
export class BroadcastWindow {
  readonly #firstMsn: number;
  readonly #startedAtMs: number;
  #init: Buffer | null = null;
  #parts: Part[] = [];
  #firstKept: number;
  #ended = false;

  /**
   * A broadcast that was begun anew goes on at the same address: `firstMsn` has to be beyond all that were used there. `startedAtMs` is the date of the
   * first part, in Unix time.
   */
  constructor(firstMsn: number, startedAtMs: number) {
    this.#firstMsn = firstMsn;
    this.#startedAtMs = startedAtMs;
    this.#firstKept = firstMsn * SEGMENT_PARTS;
  }

  /** Number of the part that comes next. */
  get next(): number {
    return this.#firstKept + this.#parts.length;
  }

  /** Whether nothing comes any more. */
  get ended(): boolean {
    return this.#ended;
  }

  /** Takes in what players begin with. */
  open(init: Buffer): void {
    this.#init = init;
  }

  /** Only the last of all may be shorter than the others. Throws where `frames` breaks that. */
  add(bytes: Buffer, frames: number): void {
    const last = this.#parts.at(-1)?.frames ?? PART_FRAMES;
    if (frames > PART_FRAMES || last < PART_FRAMES)
      throw new Error(`The encoder made a part of ${frames} frames behind one of ${last}.`);
    this.#parts.push({ bytes, frames });
    if (this.#parts.length < KEPT_PARTS + SEGMENT_PARTS) return;
    this.#parts = this.#parts.slice(SEGMENT_PARTS);
    this.#firstKept += SEGMENT_PARTS;
  }

  end(): void {
    this.#ended = true;
  }

  /**
   * Number of the part that has to be there before a player is answered: that of the first segment at least, because players that know nothing of parts take
   * a playlist without segments for broken. Throws BAD_REQUEST where it is too far ahead to wait for.
   */
  wanted(directives: DeliveryDirectives | null): number {
    const firstSegment = (this.#firstMsn + 1) * SEGMENT_PARTS - 1;
    return directives === null ? firstSegment : Math.max(firstSegment, this.#wantedBy(directives));
  }

  #wantedBy({ msn, part }: DeliveryDirectives): number {
    const isBehindSegment = part !== null && part >= SEGMENT_PARTS;
    const index = isBehindSegment ? 0 : (part ?? SEGMENT_PARTS - 1);
    const number = (isBehindSegment ? msn + 1 : msn) * SEGMENT_PARTS + index;
    const lastMsn = Math.floor(this.next / SEGMENT_PARTS) - 1;
    if (msn > lastMsn + 2 || (part !== null && number > this.next - 1 + ADVANCE_PART_LIMIT))
      throw new CodedError('BAD_REQUEST', `The last segment is ${lastMsn}: that is too far ahead.`);
    return number;
  }

  /** Whether a name is that of the part that comes next, as the playlist hints. */
  isHinted(name: string): boolean {
    return !this.#ended && name === nameOfPart(this.next);
  }

  /** A part, a segment, or what players begin with; null where there is none of that name, not yet, or no longer. */
  find(name: string): Buffer | null {
    if (name === this.#initName) return this.#init;
    const [, msn, index] = NAME.exec(name) ?? [];
    if (msn === undefined) return null;
    const parts = this.#partsOf(Number(msn));
    if (index !== undefined) return parts[Number(index)]?.bytes ?? null;
    return this.#isWhole(parts) ? Buffer.concat(parts.map(({ bytes }) => bytes)) : null;
  }

  get playlist(): string {
    const lastMsn = Math.ceil(this.next / SEGMENT_PARTS) - 1;
    const oldestMsn = Math.max(this.#firstMsn, Math.floor(this.next / SEGMENT_PARTS) - LISTED_SEGMENTS);
    const msns = Array.from({ length: lastMsn - oldestMsn + 1 }, (_, index) => oldestMsn + index);
    return [
      '#EXTM3U',
      '#EXT-X-VERSION:6',
      `#EXT-X-TARGETDURATION:${TARGET_SECONDS}`,
      `#EXT-X-SERVER-CONTROL:CAN-BLOCK-RELOAD=YES,PART-HOLD-BACK=${PART_HOLD_BACK_SECONDS.toFixed(2)},HOLD-BACK=${HOLD_BACK_SECONDS}`,
      `#EXT-X-PART-INF:PART-TARGET=${PART_TARGET_SECONDS}`,
      `#EXT-X-MEDIA-SEQUENCE:${oldestMsn}`,
      '#EXT-X-INDEPENDENT-SEGMENTS',
      `#EXT-X-MAP:URI="${this.#initName}"`,
      ...msns.flatMap((msn) => this.#linesOf(msn)),
      this.#ended ? '#EXT-X-ENDLIST' : `#EXT-X-PRELOAD-HINT:TYPE=PART,URI="${nameOfPart(this.next)}"`,
      '',
    ].join('\n');
  }

  #linesOf(msn: number): string[] {
    const first = msn * SEGMENT_PARTS;
    const parts = this.#partsOf(msn);
    const frames = parts.reduce((sum, part) => sum + part.frames, 0);
    const lines = parts.map(
      (part, index) =>
        `#EXT-X-PART:DURATION=${seconds(part.frames)},URI="${nameOfPart(first + index)}",INDEPENDENT=YES`,
    );
    return [
      `#EXT-X-PROGRAM-DATE-TIME:${this.#dateOf(first)}`,
      ...(this.next - first <= LISTED_PARTS ? lines : []),
      ...(this.#isWhole(parts) ? [`#EXTINF:${seconds(frames)},`, `${msn}.m4s`] : []),
    ];
  }

  #dateOf(number: number): string {
    const playedMs = (number - this.#firstMsn * SEGMENT_PARTS) * PART_MS;
    return new Date(this.#startedAtMs + playedMs).toISOString();
  }

  #partsOf(msn: number): readonly Part[] {
    const from = msn * SEGMENT_PARTS - this.#firstKept;
    return from < 0 ? [] : this.#parts.slice(from, from + SEGMENT_PARTS);
  }

  #isWhole(parts: readonly Part[]): boolean {
    // The last of all may be shorter, and is the only one with fewer parts than there will be.
    return parts.length === SEGMENT_PARTS || (this.#ended && parts.length > 0);
  }

  get #initName(): string {
    return `init.${this.#firstMsn}.mp4`;
  }
}

const seconds = (frames: number): string => ((frames * FRAME_SAMPLES) / RATE_HZ).toFixed(5);

const nameOfPart = (number: number): string =>
  `${Math.floor(number / SEGMENT_PARTS)}.${number % SEGMENT_PARTS}.m4s`;
