import { Refusal } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';

const MIN_WAIT_MS = 250;
const MAX_WAIT_MS = 5_000;
/** Those who wait come back no faster than one in so many milliseconds: every try is a transaction. */
const APART_MS = 2;
const LOG_EVERY_MS = 1_000;

/**
 * Refuses those for whom there is no media server now. Each is told a moment of their own at which to ask again: a room is back at once when the
 * server is, and a thousand people are so within two seconds, rather than all in one instant.
 */
export function createMediaRefusals({
  log,
  now,
}: {
  log: Log;
  now: () => Date;
}): (reason: string) => Refusal {
  let lastSlotMs = 0;
  let loggedAtMs = 0;
  return (reason) => {
    const nowMs = now().getTime();
    if (nowMs - loggedAtMs >= LOG_EVERY_MS) {
      log.warn({ reason }, 'no media server for live rooms');
      loggedAtMs = nowMs;
    }
    lastSlotMs = Math.min(Math.max(nowMs + MIN_WAIT_MS, lastSlotMs + APART_MS), nowMs + MAX_WAIT_MS);
    return new Refusal({
      __typename: 'MediaUnavailableError',
      message: 'Live audio is not available at the moment.',
      field: null,
      retryAfterMs: lastSlotMs - nowMs,
    });
  };
}
