import { LockMode } from '@mikro-orm/core';
import type { Em } from '#platform/database.ts';
import type { Page } from '#platform/paging.ts';
import type { Session } from '../domain/session.ts';
import { RefreshToken, SessionEntity, type SessionRow } from './session.entity.ts';

export interface PresentedToken {
  readonly session: Session;
  readonly usedAt: Date | null;
}

export async function insertSession(em: Em, session: Session): Promise<void> {
  await em.insert(SessionEntity, session);
}

export async function findSessionsById(em: Em, ids: readonly string[]): Promise<Session[]> {
  return (await em.find(SessionEntity, { id: { $in: [...ids] } })).map(toSession);
}

export async function insertRefreshToken(
  em: Em,
  hash: string,
  sessionId: string,
  createdAt: Date,
): Promise<void> {
  await em.insert(RefreshToken, { hash, sessionId, createdAt, usedAt: null });
}

/** The token and its session, locked: of two requests with the same token the second sees that it was used. */
export async function lockRefreshToken(em: Em, hash: string): Promise<PresentedToken | null> {
  const token = await em.findOne(RefreshToken, { hash }, { lockMode: LockMode.PESSIMISTIC_WRITE });
  if (!token) return null;
  const row = await em.findOneOrFail(
    SessionEntity,
    { id: token.sessionId },
    { lockMode: LockMode.PESSIMISTIC_WRITE },
  );
  return { session: toSession(row), usedAt: token.usedAt ?? null };
}

export async function markRefreshTokenUsed(em: Em, hash: string, usedAt: Date): Promise<void> {
  await em.nativeUpdate(RefreshToken, { hash }, { usedAt });
}

export async function extendSession(em: Em, id: string, lastSeenAt: Date, expiresAt: Date): Promise<void> {
  await em.nativeUpdate(SessionEntity, { id }, { lastSeenAt, expiresAt });
}

/** Ends those of the user's sessions that are still open: one of them, all, or all but one. Returns the ids of those it ended. */
export async function revokeSessions(
  em: Em,
  userId: string,
  which: { readonly id?: string; readonly exceptId?: string },
  revokedAt: Date,
): Promise<string[]> {
  const rows = (await em.execute(
    `update session set revoked_at = ?
     where user_id = ? and revoked_at is null and (?::text is null or id = ?) and (?::text is null or id <> ?)
     returning id`,
    [revokedAt, userId, which.id ?? null, which.id ?? null, which.exceptId ?? null, which.exceptId ?? null],
  )) as { id: string }[];
  return rows.map((row) => row.id);
}

export async function listRevokedSince(em: Em, since: Date): Promise<string[]> {
  const rows = await em.find(SessionEntity, { revokedAt: { $gte: since } }, { fields: ['id'] });
  return rows.map((row) => row.id);
}

/** Open sessions, most recently used first; a backward page is read from its other end. */
export async function listSessions(
  em: Em,
  userId: string,
  { cursor, limit, direction }: Page<readonly [lastSeenAt: string, id: string]>,
  now: Date,
): Promise<Session[]> {
  const [comparison, order] =
    direction === 'forward' ? (['$lt', 'desc'] as const) : (['$gt', 'asc'] as const);
  const rows = await em.find(
    SessionEntity,
    {
      userId,
      revokedAt: null,
      expiresAt: { $gt: now },
      ...(cursor && behind(comparison, new Date(cursor[0]), cursor[1])),
    },
    { orderBy: { lastSeenAt: order, id: order }, limit: limit + 1 },
  );
  return rows.map(toSession);
}

const behind = (comparison: '$lt' | '$gt', lastSeenAt: Date, id: string) => ({
  $or: [{ lastSeenAt: { [comparison]: lastSeenAt } }, { lastSeenAt, id: { [comparison]: id } }],
});

function toSession(row: SessionRow): Session {
  const { id, userId, createdAt, lastSeenAt, expiresAt } = row;
  const userAgent = row.userAgent ?? null;
  const ipAddress = row.ipAddress ?? null;
  return {
    id,
    userId,
    userAgent,
    ipAddress,
    createdAt,
    lastSeenAt,
    expiresAt,
    revokedAt: row.revokedAt ?? null,
  };
}
