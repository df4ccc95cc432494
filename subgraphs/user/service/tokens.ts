import { createHash, randomBytes } from 'node:crypto';
import type { Em } from '#platform/database.ts';
import { newId } from '#platform/ids.ts';
import { extendSession, insertRefreshToken, insertSession } from '../data/session.repository.ts';
import { ACCESS_TOKEN_TTL_MS, SESSION_TTL_MS, type Session } from '../domain/session.ts';
import type { User } from '../domain/user.ts';
import type { KeyRing } from './key-ring.ts';

/** A fresh pair of tokens. This is the only place where the refresh token exists in clear. */
export interface IssuedTokens {
  readonly __typename: 'TokenPair';
  readonly accessToken: string;
  readonly refreshToken: string;
  readonly expiresInSeconds: number;
  readonly session: Session;
  readonly user: User;
}

export interface ClientFacts {
  readonly ipAddress: string | null;
  readonly userAgent: string | null;
}

const REFRESH_TOKEN_BYTES = 32;
const MAX_USER_AGENT_CHARS = 300;

export const hashToken = (token: string): string => createHash('sha256').update(token).digest('base64url');

/** Opens a session and issues its first tokens, inside the caller's transaction. */
export async function openSession(
  em: Em,
  keys: KeyRing,
  user: User,
  client: ClientFacts,
  now: Date,
): Promise<IssuedTokens> {
  const session: Session = {
    id: newId('Session', now.getTime()),
    userId: user.id,
    userAgent: client.userAgent?.slice(0, MAX_USER_AGENT_CHARS) ?? null,
    ipAddress: client.ipAddress,
    createdAt: now,
    lastSeenAt: now,
    expiresAt: new Date(now.getTime() + SESSION_TTL_MS),
    revokedAt: null,
  };
  await insertSession(em, session);
  return issue(em, keys, user, session, now);
}

/** Issues the next tokens of a session and prolongs it, inside the caller's transaction. */
export async function prolongSession(
  em: Em,
  keys: KeyRing,
  user: User,
  session: Session,
  now: Date,
): Promise<IssuedTokens> {
  const prolonged = { ...session, lastSeenAt: now, expiresAt: new Date(now.getTime() + SESSION_TTL_MS) };
  await extendSession(em, session.id, prolonged.lastSeenAt, prolonged.expiresAt);
  return issue(em, keys, user, prolonged, now);
}

async function issue(em: Em, keys: KeyRing, user: User, session: Session, now: Date): Promise<IssuedTokens> {
  const refreshToken = randomBytes(REFRESH_TOKEN_BYTES).toString('base64url');
  await insertRefreshToken(em, hashToken(refreshToken), session.id, now);
  const accessToken = await keys.sign(user, session, now);
  const expiresInSeconds = ACCESS_TOKEN_TTL_MS / 1_000;
  return { __typename: 'TokenPair', accessToken, refreshToken, expiresInSeconds, session, user };
}
