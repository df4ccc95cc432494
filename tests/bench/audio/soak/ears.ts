import { messageOf } from '#platform/errors.ts';
import { readHeader } from '../rtp.ts';
import { createSrtpReader } from '../srtp.ts';
import { NEGOTIATED, type ClientTransport } from '../webrtc/client-transport.ts';
import { ReceivedStream, type Tally } from './tally.ts';

/** Streams that come over one transport, told apart by SSRC. */
export class Ears {
  readonly #tally: Tally;
  readonly #decrypts: boolean;
  readonly #bySsrc = new Map<number, ReceivedStream>();
  readonly #ssrcs = new Map<string, number>();
  #readerKey = '';

  constructor(tally: Tally, decrypts: boolean) {
    this.#tally = tally;
    this.#decrypts = decrypts;
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
      this.#tally.faults.push(`SSRC ${header.ssrc}: ${messageOf(error)}`);
    }
  };

  use({ readerKey }: ClientTransport): void {
    this.#readerKey = readerKey;
  }

  has(producerId: string): boolean {
    return this.#ssrcs.has(producerId);
  }

  add(producerId: string, ssrc: number, said: () => number): void {
    const read = this.#decrypts ? createSrtpReader(NEGOTIATED, this.#readerKey) : null;
    this.remove(producerId);
    this.#ssrcs.set(producerId, ssrc);
    this.#bySsrc.set(ssrc, new ReceivedStream({ tally: this.#tally, read, said }));
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
