import type { Log } from '#platform/log.ts';
import type { SignallingErrorCode } from '#schema/signalling.ts';
import { fullBucket, takeToken } from '../domain/token-bucket.ts';

/** Entries of one socket: a few at once, then one a minute, which says how many were left out before it. */
const BURST_ENTRIES = 3;
const ENTRIES_PER_SECOND = 1 / 60;

export interface Overreach {
  readonly liveRoomId: string;
  readonly participantId: string;
  readonly userId: string;
  readonly method: string;
  readonly code: SignallingErrorCode;
}

/** Tells the log of requests that somebody's role does not allow: a client of ours does not send them. */
export function createOverreachLog(log: Log): (overreach: Overreach) => void {
  let bucket = fullBucket(BURST_ENTRIES, ENTRIES_PER_SECOND, Date.now());
  let untold = 0;
  return (overreach) => {
    const attempt = takeToken(bucket, Date.now());
    bucket = attempt.bucket;
    if (attempt.waitMs > 0) untold++;
    else {
      log.warn({ ...overreach, untold }, 'a participant asked for what its role does not allow');
      untold = 0;
    }
  };
}
