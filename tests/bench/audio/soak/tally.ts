import type { SrtpReader } from '../srtp.ts';
import type { RtpHeader } from '../rtp.ts';

const SEQUENCES = 0x10000;

/** What a crowd has gone through so far. */
export class Tally {
  joins = 0;
  iceRestarts = 0;
  received = 0;
  /** Packets that were authenticated, decrypted and compared with what was said. */
  opened = 0;
  /** Of streams that have ended. */
  lost = 0;
  /** What went otherwise than it should have. */
  readonly faults: string[] = [];
}

export interface StreamOptions {
  readonly tally: Tally;
  /** Null where packets are only counted. */
  readonly read: SrtpReader | null;
  /** Throws where a payload is not one of the speaker's. */
  readonly compare: (payload: Buffer) => void;
  /** Packets that its speaker has sent so far. */
  readonly said: () => number;
}

/** A stream as one listener gets it. After a change of address packets may overtake each other, so they are counted as in RFC 3550, A.3. */
export class ReceivedStream {
  readonly #options: StreamOptions;
  /** Sequence numbers, rollovers counted. */
  #first = Number.NaN;
  #highest = Number.NaN;
  #received = 0;
  /** What the speaker had said at the last packet, or at the beginning. */
  #saidAtLast: number;

  constructor(options: StreamOptions) {
    this.#options = options;
    this.#saidAtLast = options.said();
  }

  get lost(): number {
    return this.#received === 0 ? 0 : this.#highest - this.#first + 1 - this.#received;
  }

  /** Packets that were sent since the last one that came. */
  get missed(): number {
    return this.#options.said() - this.#saidAtLast;
  }

  /** Throws where the packet is not authentic, or not the speaker's. */
  receive(packet: Buffer, { sequence, bytes }: RtpHeader): void {
    const { tally, read, compare, said } = this.#options;
    if (read) {
      compare(read(packet, bytes));
      tally.opened += 1;
    }
    tally.received += 1;
    this.#received += 1;
    this.#saidAtLast = said();
    if (this.#received === 1) {
      this.#first = this.#highest = sequence;
      return;
    }
    const step = (sequence - (this.#highest % SEQUENCES) + 1.5 * SEQUENCES) % SEQUENCES;
    const extended = this.#highest + step - SEQUENCES / 2;
    this.#highest = Math.max(this.#highest, extended);
    this.#first = Math.min(this.#first, extended);
  }

  end(): void {
    this.#options.tally.lost += this.lost;
  }
}
