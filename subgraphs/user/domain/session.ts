/** One sign-in of an account on one device. */
export interface Session {
  readonly id: string;
  readonly userId: string;
  readonly userAgent: string | null;
  readonly ipAddress: string | null;
  readonly createdAt: Date;
  readonly lastSeenAt: Date;
  readonly expiresAt: Date;
  readonly revokedAt: Date | null;
}

export type RevocationReason = 'LOGOUT' | 'REVOKED' | 'PASSWORD_CHANGED' | 'REFRESH_REUSED';

/** Access tokens outlive a revocation by no more than this, should every notice of it be lost. */
export const ACCESS_TOKEN_TTL_MS = 10 * 60_000;
/** A session that gets no new tokens ends after this time. */
export const SESSION_TTL_MS = 30 * 24 * 3_600_000;

export const isAlive = (session: Session, now: Date): boolean =>
  !session.revokedAt && session.expiresAt > now;

/** What a presented refresh token means: the next pair, a theft, or nothing. */
export function judgeRefresh(
  token: { readonly usedAt: Date | null },
  session: Session,
  now: Date,
): 'rotate' | 'reused' | 'invalid' {
  if (!isAlive(session, now)) return 'invalid';
  return token.usedAt ? 'reused' : 'rotate';
}

const MAX_FAILURES = 10;
const FAILURE_WINDOW_MS = 15 * 60_000;

/** Failed sign-ins of one account since `since`. */
export interface Failures {
  readonly count: number;
  readonly since: Date | null;
}

export const NO_FAILURES: Failures = { count: 0, since: null };

/** How long the account answers no sign-in, in milliseconds; 0 when it does. */
export function lockedForMs({ count, since }: Failures, now: Date): number {
  if (count < MAX_FAILURES || !since) return 0;
  return Math.max(0, since.getTime() + FAILURE_WINDOW_MS - now.getTime());
}

export function afterFailure(failures: Failures, now: Date): Failures {
  const over = !failures.since || failures.since.getTime() + FAILURE_WINDOW_MS <= now.getTime();
  return over ? { count: 1, since: now } : { count: failures.count + 1, since: failures.since };
}
