import type { ServerResponse } from 'node:http';

/** A client that takes nothing for this long is let go. */
export const STALL_MS = 30_000;

/** Resolves when the client has taken what was written, or is gone. */
export function drained(response: ServerResponse, stallMs = STALL_MS): Promise<void> {
  if (response.destroyed) return Promise.resolve();
  return new Promise((resolve) => {
    const stalled = setTimeout(() => response.destroy(), stallMs);
    const done = () => {
      clearTimeout(stalled);
      response.off('drain', done);
      response.off('close', done);
      resolve();
    };
    response.on('drain', done);
    response.on('close', done);
  });
}
