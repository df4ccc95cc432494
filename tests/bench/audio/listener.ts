import { percentile } from '../table.ts';
import { readHeader, readPayload, type RtpHeader } from './rtp.ts';
import type { SrtpReader } from './srtp.ts';

/** RFC 3550, 6.4.1. */
const JITTER_GAIN = 1 / 16;
const SEQUENCES = 0x10000;

/** One receiver of one stream: expects every packet once and in order. */
export class Listener {
  /** Null where packets are only counted. */
  readonly #read: SrtpReader | null;
  #last: { sequence: number; transitMs: number; arrivedMs: number; count: number } | null = null;
  received = 0;
  /** Packets that were authenticated, decrypted and compared with what was sent. */
  opened = 0;
  /** Gaps in the sequence numbers, in packets. */
  lost = 0;
  jitterMs = 0;
  /** Longest time between two packets. */
  longestGapMs = 0;
  /** From the speaker's `send` to here; of opened packets only. */
  readonly delaysMs: number[] = [];

  constructor(read: SrtpReader | null) {
    this.#read = read;
  }

  /** Counts from here. */
  reset(): void {
    this.received = this.opened = this.lost = this.jitterMs = this.longestGapMs = 0;
    this.delaysMs.length = 0;
    if (this.#last) this.#last.arrivedMs = this.#last.transitMs = Number.NaN;
  }

  /** Throws where the packet is a repetition, comes late or is not the speaker's. */
  receive(packet: Buffer, header: RtpHeader, nowNs: bigint): void {
    const nowMs = Number(nowNs) / 1e6;
    const transitMs = nowMs - header.timestampMs;
    const count = this.#open(packet, header, nowNs);
    const last = this.#last;
    this.#last = { sequence: header.sequence, transitMs, arrivedMs: nowMs, count };
    this.received += 1;
    if (!last) return;
    const step = (header.sequence - last.sequence + SEQUENCES) % SEQUENCES;
    if (step === 0 || step > SEQUENCES / 2) throw new Error('a packet came twice, or out of order');
    if (this.#read && count - last.count !== step)
      throw new Error('sequence numbers do not follow the speaker');
    this.lost += step - 1;
    if (Number.isNaN(last.arrivedMs)) return;
    this.jitterMs += (Math.abs(transitMs - last.transitMs) - this.jitterMs) * JITTER_GAIN;
    this.longestGapMs = Math.max(this.longestGapMs, nowMs - last.arrivedMs);
  }

  #open(packet: Buffer, header: RtpHeader, nowNs: bigint): number {
    if (!this.#read) return 0;
    const { count, sentAtNs } = readPayload(this.#read(packet, header.bytes));
    this.opened += 1;
    this.delaysMs.push(Number(nowNs - sentAtNs) / 1e6);
    return count;
  }
}

export interface ListenersReport {
  readonly received: number;
  readonly opened: number;
  readonly lost: number;
  /** The median listener's. */
  readonly jitterMs: number;
  readonly delayP50Ms: number;
  readonly delayP99Ms: number;
  readonly longestGapMs: number;
  /** What was wrong with a packet, the first one. */
  readonly fault: string | null;
}

/** All listeners of a process, told apart by the SSRC of what they get. */
export class Listeners {
  readonly #bySsrc = new Map<number, Listener>();
  #fault: string | null = null;

  add(ssrc: number, listener: Listener): void {
    this.#bySsrc.set(ssrc, listener);
  }

  receive(packet: Buffer, nowNs: bigint): void {
    const header = readHeader(packet);
    if (!header) return;
    try {
      const listener = this.#bySsrc.get(header.ssrc);
      if (!listener) throw new Error('a packet for nobody');
      listener.receive(packet, header, nowNs);
    } catch (error) {
      this.#fault ??= `SSRC ${header.ssrc}: ${String(error)}`;
    }
  }

  reset(): void {
    for (const listener of this.#bySsrc.values()) listener.reset();
  }

  report(): ListenersReport {
    const active = [...this.#bySsrc.values()].filter(({ received }) => received > 0);
    const sum = (of: (listener: Listener) => number) => active.reduce((total, one) => total + of(one), 0);
    const delays = active.flatMap(({ delaysMs }) => delaysMs);
    return {
      received: sum(({ received }) => received),
      opened: sum(({ opened }) => opened),
      lost: sum(({ lost }) => lost),
      jitterMs: percentile(
        active.map(({ jitterMs }) => jitterMs),
        0.5,
      ),
      delayP50Ms: percentile(delays, 0.5),
      delayP99Ms: percentile(delays, 0.99),
      longestGapMs: Math.max(0, ...active.map(({ longestGapMs }) => longestGapMs)),
      fault: this.#fault,
    };
  }
}
