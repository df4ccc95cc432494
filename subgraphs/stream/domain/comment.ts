import { forbidden, invalid, Refusal, refuseIfAny, type UserErrorData } from '#platform/errors.ts';
import { checkText } from '#platform/rules.ts';
import type { Track } from './track.ts';

export interface TrackComment {
  readonly id: string;
  readonly trackId: string;
  readonly authorId: string;
  readonly body: string;
  /** Milliseconds from the start of the track; null for the whole track. */
  readonly atMs: number | null;
  readonly createdAt: Date;
}

const MAX_BODY_CHARS = 1_000;
// For tracks whose length is not known.
const MAX_AT_MS = 24 * 3_600_000;

/** The text to store. Refuses with every broken rule at once. */
export function acceptComment(track: Track, body: string, atMs: number | null): string {
  refuseIfAny([
    ...checkText('body', body, { minChars: 1, maxChars: MAX_BODY_CHARS }),
    ...checkMoment(atMs, track.durationMs ?? MAX_AT_MS),
  ]);
  return body.trim();
}

function checkMoment(atMs: number | null, maxMs: number): UserErrorData[] {
  if (atMs === null || (atMs >= 0 && atMs <= maxMs)) return [];
  return [invalid('atMs', 'OUT_OF_RANGE', `The track goes from 0 to ${maxMs} ms.`)];
}

/** Comments go away at the wish of whoever wrote them or whose track it is. */
export function requireMayDelete(comment: TrackComment, track: Track, actorId: string): void {
  if (actorId === comment.authorId || actorId === track.artistId) return;
  throw new Refusal(forbidden('Only its author and the track’s artist may delete it.', null, 'id'));
}
