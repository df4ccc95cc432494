import { invalid, type UserErrorData } from '#platform/errors.ts';
import { isId } from '#platform/ids.ts';
import { checkRange, checkText } from '#platform/rules.ts';

/** What a client says about one play. */
export interface PlayReport {
  readonly clientEventId: string;
  readonly trackId: string;
  readonly playedAt: Date;
  readonly msPlayed: number;
}

/** A play that counts. */
export interface Play extends PlayReport {
  /** Whose `clientEventId`s are compared: a user id, or `anonymous:` and the id that the client keeps. */
  readonly caller: string;
  readonly listenerId: string | null;
}

/** Within so long after one that was counted, no other anonymous play of the track counts for whoever shares its address. */
export const ANONYMOUS_PLAY_GAP_MS = 30 * 60_000;

const MAX_PLAYS_PER_CALL = 100;
const MIN_PLAY_MS = 3_000;
const MAX_PLAY_MS = 24 * 3_600_000;
const MAX_AGE_MS = 7 * 24 * 3_600_000;
const CLOCK_TOLERANCE_MS = 5 * 60_000;
const MAX_CLIENT_EVENT_ID_CHARS = 100;
const ANONYMOUS_ID = { minChars: 8, maxChars: 100 };

/** Why a play does not count, at most one reason for each of its fields; an empty list where it does. */
export function checkPlay(report: PlayReport, index: number, now: Date): UserErrorData[] {
  const at = `events.${index}`;
  const clientEventId = { minChars: 1, maxChars: MAX_CLIENT_EVENT_ID_CHARS };
  return [
    ...checkText(`${at}.clientEventId`, report.clientEventId, clientEventId),
    ...(isId('Track', report.trackId)
      ? []
      : [invalid(`${at}.trackId`, 'MALFORMED_ID', 'This is not the id of a track.')]),
    ...checkInstant(`${at}.playedAt`, report.playedAt, now),
    ...checkLength(`${at}.msPlayed`, report.msPlayed),
  ];
}

function checkInstant(field: string, playedAt: Date, now: Date): UserErrorData[] {
  const ageMs = now.getTime() - playedAt.getTime();
  if (ageMs < -CLOCK_TOLERANCE_MS) return [invalid(field, 'IN_FUTURE', 'This lies in the future.')];
  return ageMs > MAX_AGE_MS
    ? [invalid(field, 'TOO_OLD', 'Plays are taken for 7 days after they happened.')]
    : [];
}

function checkLength(field: string, msPlayed: number): UserErrorData[] {
  if (msPlayed >= 0 && msPlayed < MIN_PLAY_MS)
    return [invalid(field, 'TOO_SHORT', `A play lasts ${MIN_PLAY_MS} ms at least.`)];
  return checkRange(field, msPlayed, MIN_PLAY_MS, MAX_PLAY_MS);
}

export function checkBatchSize(count: number): UserErrorData[] {
  if (count >= 1 && count <= MAX_PLAYS_PER_CALL) return [];
  return [invalid('events', 'OUT_OF_RANGE', `Send 1 to ${MAX_PLAYS_PER_CALL} events.`)];
}

export function checkAnonymousId(anonymousId: string | null): UserErrorData[] {
  return checkText('anonymousId', anonymousId ?? '', ANONYMOUS_ID);
}
