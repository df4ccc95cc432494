import type { ServerResponse } from 'node:http';
import { drained } from '../http/drained.ts';

/** A response that stays open, and is written piece by piece. */
export interface StreamChannel {
  /** Aborted when the stream is over, whoever ended it. */
  readonly over: AbortSignal;
  /**
   * Resolves once the client can take more, so that a slow one holds back one event of each operation and not a queue of them. What comes
   * after the end is dropped, and so is what `unwanted` is aborted for by the time that there is room.
   */
  write(text: string, unwanted?: AbortSignal): Promise<void>;
  /** Writes `last`, whether or not the client keeps up, and ends the stream. */
  end(last: string): void;
}

export interface ChannelOptions {
  readonly contentType: string;
  /** Sent with the head: some browsers report a response as there only once a first byte has come. */
  readonly opening: string;
  /** Says nothing but that the stream is alive. */
  readonly heartbeat: string;
  readonly heartbeatMs: number;
  /** A client that takes nothing for this long is let go. */
  readonly stallMs: number;
}

/** Answers with a stream. It is over from the start where the client has gone meanwhile. */
export function openStreamChannel(response: ServerResponse, options: ChannelOptions): StreamChannel {
  const { contentType, opening, heartbeat, heartbeatMs, stallMs } = options;
  const over = new AbortController();
  /** Set while the client has to take what was written. */
  const room: { awaited: Promise<void> | null } = { awaited: null };
  response.writeHead(200, { 'content-type': contentType, 'x-accel-buffering': 'no' });
  response.write(opening);
  const beat = () => response.writableNeedDrain || response.write(heartbeat);
  const beating = setInterval(beat, heartbeatMs);
  const close = () => {
    clearInterval(beating);
    over.abort();
  };
  // One that was closed already does not say so again.
  if (response.destroyed) close();
  else response.once('close', close);
  return {
    over: over.signal,
    async write(text, unwanted) {
      while (room.awaited) await room.awaited;
      if (over.signal.aborted || unwanted?.aborted || response.write(text)) return;
      room.awaited = drained(response, stallMs).finally(() => (room.awaited = null));
      await room.awaited;
    },
    end(last) {
      if (over.signal.aborted) return;
      clearInterval(beating);
      over.abort();
      response.end(last);
    },
  };
}
