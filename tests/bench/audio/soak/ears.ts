import { messageOf } from '#platform/errors.ts';
import { readHeader } from '../rtp.ts';
import { createSrtpReader } from '../srtp.ts';
import { NEGOTIATED, type ClientTransport } from '../webrtc/client-transport.ts';
import { ReceivedStream, type StreamOptions } from './tally.ts';

export interface EarsOptions extends Pick<StreamOptions, 'tally' | 'compare'> {
  /** Or only counts. */
  readonly decrypts: boolean;
}

/** Streams that come over one transport, told apart by SSRC. */
export class Ears {
  readonly #options: EarsOptions;
  readonly #bySsrc = new Map<number, ReceivedStream>();
  readonly #ssrcs = new Map<string, number>();
  #readerKey = '';

  constructor(options: EarsOptions) {
    this.#options = options;
  }

  get streams(): readonly ReceivedStream[] {
    return [...this.#bySsrc.values()];
  }

  readonly receive = (packet: Buffer): void => {
    const header = readHeader(packet);
    const stream = header && this.#bySsrc.get(header.ssrc);
    if (!stream) return;
    try {
      stream.receive(packet, header);
    } catch (error) {
      this.#options.tally.faults.push(`SSRC ${header.ssrc}: ${messageOf(error)}`);
    }
  };

  use({ readerKey }: ClientTransport): void {
    this.#readerKey = readerKey;
  }

  has(producerId: string): boolean {
    return this.#ssrcs.has(producerId);
  }

  add(producerId: string, ssrc: number, said: () => number): void {
    const { tally, compare, decrypts } = this.#options;
    const read = decrypts ? createSrtpReader(NEGOTIATED, this.#readerKey) : null;
    this.remove(producerId);
    this.#ssrcs.set(producerId, ssrc);
    this.#bySsrc.set(ssrc, new ReceivedStream({ tally, read, compare, said }));
  }

  remove(producerId: string): void {
    const ssrc = this.#ssrcs.get(producerId);
    if (ssrc === undefined) return;
    this.#bySsrc.get(ssrc)?.end();
    this.#bySsrc.delete(ssrc);
    this.#ssrcs.delete(producerId);
  }

  clear(): void {
    for (const producerId of [...this.#ssrcs.keys()]) this.remove(producerId);
  }
}
