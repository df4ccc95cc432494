import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/**
 * Sends on one socket without letting a slow reader fill memory: past `maxBufferedBytes`, `send` resolves only when what it sent has left,
 * and the socket is not read either, so that a peer cannot make the gateway answer into a buffer that nobody empties.
 */
export class Outbox {
  /** Since when the peer has taken nothing, or null where it keeps up. */
  stalledSinceMs: number | null = null;
  readonly #socket: WebSocket;
  readonly #stream: Duplex;
  readonly #maxBufferedBytes: number;
  #waiting = 0;
  #drained: Promise<void> | null = null;

  /** `stream` is what the socket writes to. */
  constructor(socket: WebSocket, stream: Duplex, maxBufferedBytes: number) {
    this.#socket = socket;
    this.#stream = stream;
    this.#maxBufferedBytes = maxBufferedBytes;
  }

  /** One whole frame, at once, for who asks `busy` himself. The socket holds back nothing that would have to go before it: it compresses nothing. */
  push(frame: Buffer): void {
    if (this.#socket.readyState === this.#socket.OPEN) this.#stream.write(frame);
  }

  /** Null while there is room; else resolves once everything has left, or the socket is gone. */
  busy(): Promise<void> | null {
    if (this.#drained) return this.#drained;
    if (!this.#isFull || !this.#stream.writableNeedDrain) return null;
    this.stalledSinceMs ??= Date.now();
    this.#drained = new Promise((resolve) => {
      const onEmpty = () => {
        this.#stream.off('drain', onEmpty);
        this.#stream.off('close', onEmpty);
        this.#drained = null;
        if (this.#waiting === 0) this.stalledSinceMs = null;
        resolve();
      };
      this.#stream.on('drain', onEmpty);
      this.#stream.on('close', onEmpty);
    });
    return this.#drained;
  }

  async send(text: string): Promise<void> {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#isFull) await this.#whenSent((sent) => this.#socket.send(text, sent));
    else this.#socket.send(text);
  }

  pong(data: Buffer): void {
    if (this.#socket.readyState !== this.#socket.OPEN) return;
    if (this.#isFull) void this.#whenSent((sent) => this.#socket.pong(data, false, sent));
    else this.#socket.pong(data);
  }

  get #isFull(): boolean {
    return this.#socket.bufferedAmount > this.#maxBufferedBytes;
  }

  #whenSent(write: (sent: () => void) => void): Promise<void> {
    this.#waiting += 1;
    this.stalledSinceMs ??= Date.now();
    this.#socket.pause();
    return new Promise((resolve) => {
      write(() => {
        this.#waiting -= 1;
        // Progress, though not necessarily the end of the queue.
        this.stalledSinceMs = this.#waiting === 0 ? null : Date.now();
        if (this.#waiting === 0) this.#socket.resume();
        resolve();
      });
    });
  }
}
