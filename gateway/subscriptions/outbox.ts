import type { WebSocket } from 'ws';

/** Bytes that may wait in a socket's buffer before anything that can wait does. */
const HIGH_WATER_BYTES = 256 * 1024;

/**
 * Sends on one socket without letting a slow reader fill memory: past the mark, `send` resolves only when what it sent has left,
 * and the socket is not read either, so that a peer cannot make the gateway answer into a buffer that nobody empties.
 */
export interface Outbox {
  send(text: string): Promise<void>;
  pong(data: Buffer): void;
  /** Since when the peer has taken nothing, or null where it keeps up. */
  readonly stalledSinceMs: number | null;
}

export function createOutbox(socket: WebSocket, highWaterBytes: number = HIGH_WATER_BYTES): Outbox {
  let waiting = 0;
  let stalledSinceMs: number | null = null;

  const whenSent = (write: (sent: () => void) => void): Promise<void> => {
    waiting += 1;
    stalledSinceMs ??= Date.now();
    socket.pause();
    return new Promise((resolve) => {
      write(() => {
        waiting -= 1;
        // Progress, though not necessarily the end of the queue.
        stalledSinceMs = waiting === 0 ? null : Date.now();
        if (waiting === 0) socket.resume();
        resolve();
      });
    });
  };
  const isFull = () => socket.bufferedAmount > highWaterBytes;
  return {
    get stalledSinceMs() {
      return stalledSinceMs;
    },
    async send(text) {
      if (socket.readyState !== socket.OPEN) return;
      if (isFull()) await whenSent((sent) => socket.send(text, sent));
      else socket.send(text);
    },
    pong(data) {
      if (socket.readyState !== socket.OPEN) return;
      if (isFull()) void whenSent((sent) => socket.pong(data, false, sent));
      else socket.pong(data);
    },
  };
}
