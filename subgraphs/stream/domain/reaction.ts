import { rateLimited, Refusal } from '#platform/errors.ts';

/** What people in a live room say without a word. */
export const REACTIONS = ['APPLAUSE', 'HEART', 'FIRE', 'LAUGH', 'WOW', 'MUSIC'] as const;
export type Reaction = (typeof REACTIONS)[number];

/** Of one person. */
export const REACTION_GAP_MS = 250;

/** `lastAtMs` is when somebody reacted last; undefined where they have not. */
export function requireRested(lastAtMs: number | undefined, nowMs: number): void {
  const waitMs = lastAtMs === undefined ? 0 : lastAtMs + REACTION_GAP_MS - nowMs;
  if (waitMs > 0) throw new Refusal(rateLimited('One after the other, please.', waitMs, 'liveRoomId'));
}
