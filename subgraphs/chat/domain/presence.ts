import { refuseIfAny } from '#platform/errors.ts';
import { checkOptionalText } from '#platform/rules.ts';

export const PRESENCE_STATUSES = ['ONLINE', 'IDLE', 'DND', 'OFFLINE'] as const;
export type PresenceStatus = (typeof PRESENCE_STATUSES)[number];

/** Presence as others see it. */
export interface Presence {
  readonly status: PresenceStatus;
  readonly lastActiveAt: Date | null;
  readonly activity: string | null;
}

/** The last sign of life of someone, and how they chose to be seen. */
export interface SignOfLife {
  readonly userId: string;
  readonly status: PresenceStatus;
  readonly activity: string | null;
  readonly lastActiveAt: Date;
  readonly expiresAt: Date;
}

/** That someone types in a room. */
export interface TypingSignal {
  readonly roomId: string;
  readonly userId: string;
  readonly until: Date;
}

/** How long a sign of life lasts. */
export const PRESENCE_TTL_MS = 60_000;
/** How long a client shows that someone types. */
export const TYPING_TTL_MS = 6_000;

const ACTIVITY = { maxChars: 100 };

export const ABSENT: Presence = { status: 'OFFLINE', lastActiveAt: null, activity: null };

export function presenceAt(sign: SignOfLife, now: Date): Presence {
  const { status, activity, lastActiveAt, expiresAt } = sign;
  const away = status === 'OFFLINE' || expiresAt <= now;
  return away ? { status: 'OFFLINE', lastActiveAt, activity: null } : { status, lastActiveAt, activity };
}

/** Null where there is none. Refuses what is too long. */
export function acceptActivity(activity: string | null | undefined): string | null {
  refuseIfAny(checkOptionalText('activity', activity, ACTIVITY));
  return activity?.trim() || null;
}

type Appearance = Pick<Presence, 'status' | 'activity'> & Partial<Presence>;

/** Whether a change is worth telling: the moment of the last sign of life alone is not. */
export const looksDifferent = (a: Appearance, b: Appearance): boolean =>
  a.status !== b.status || a.activity !== b.activity;
