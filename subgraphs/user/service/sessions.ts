import { notFound, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { isId } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import { announceRevoked } from '#platform/revoked-sessions.ts';
import type { Viewer } from '#platform/viewer.ts';
import { lockRefreshToken, markRefreshTokenUsed, revokeSessions } from '../data/session.repository.ts';
import { findUsersById } from '../data/user.repository.ts';
import { judgeRefresh, type RevocationReason } from '../domain/session.ts';
import type { KeyRing } from './key-ring.ts';
import { hashToken, prolongSession, type IssuedTokens } from './tokens.ts';

export interface Sessions {
  /** The next pair of tokens. A token that was used before ends its session. */
  refresh(refreshToken: string): Promise<IssuedTokens>;
  logout(viewer: Viewer): Promise<string>;
  revoke(viewer: Viewer, sessionId: string): Promise<void>;
  revokeOthers(viewer: Viewer): Promise<void>;
  /** Ends sessions as a part of another use case's transaction; the caller announces them once it has committed. */
  revokeWithin(
    tx: Transaction,
    userId: string,
    which: Which,
    reason: RevocationReason,
    at: Date,
  ): Promise<string[]>;
  announce(sessionIds: readonly string[]): Promise<void>;
}

type Which = Parameters<typeof revokeSessions>[2];

export interface SessionsDeps {
  readonly events: Events;
  readonly keys: KeyRing;
  readonly liveBus: LiveBus;
  readonly log: Log;
  readonly now: () => Date;
}

export function createSessions(deps: SessionsDeps): Sessions {
  const revoke = async (userId: string, which: Which, reason: RevocationReason): Promise<string[]> => {
    const ids = await deps.events.transact((tx) => revokeWithin(tx, userId, which, reason, deps.now()));
    await announceRevoked(deps.liveBus, deps.log, ids);
    return ids;
  };
  return {
    revokeWithin,
    announce: (sessionIds) => announceRevoked(deps.liveBus, deps.log, sessionIds),
    refresh: (refreshToken) => refresh(deps, refreshToken),
    async logout({ userId, sessionId }) {
      await revoke(userId, { id: sessionId }, 'LOGOUT');
      return sessionId;
    },
    async revoke({ userId }, sessionId) {
      const ended = isId('Session', sessionId) ? await revoke(userId, { id: sessionId }, 'REVOKED') : [];
      if (ended.length === 0) throw new Refusal(notFound('id', sessionId, 'You have no such open session.'));
    },
    async revokeOthers({ userId, sessionId }) {
      await revoke(userId, { exceptId: sessionId }, 'REVOKED');
    },
  };
}

async function revokeWithin(
  tx: Transaction,
  userId: string,
  which: Which,
  reason: RevocationReason,
  at: Date,
): Promise<string[]> {
  const ids = await revokeSessions(tx.em, userId, which, at);
  for (const sessionId of ids) {
    const payload = { userId, sessionId, reason };
    await tx.append({ stream: `user:${userId}`, name: 'session.revoked', payload, actorId: userId });
  }
  return ids;
}

type Outcome =
  { readonly tokens: IssuedTokens } | { readonly refusal: Refusal; readonly ended: readonly string[] };

async function refresh(deps: SessionsDeps, refreshToken: string): Promise<IssuedTokens> {
  // A refusal must not roll back the end of the session, so it is thrown behind the transaction.
  const outcome = await deps.events.transact((tx) => exchange(deps, tx, hashToken(refreshToken)));
  if ('tokens' in outcome) return outcome.tokens;
  await announceRevoked(deps.liveBus, deps.log, outcome.ended);
  throw outcome.refusal;
}

async function exchange({ keys, now }: SessionsDeps, tx: Transaction, hash: string): Promise<Outcome> {
  const presented = await lockRefreshToken(tx.em, hash);
  const at = now();
  const verdict = presented ? judgeRefresh(presented, presented.session, at) : 'invalid';
  if (!presented || verdict === 'invalid') return { refusal: unknownToken(), ended: [] };
  const { session } = presented;
  if (verdict === 'reused') {
    const ended = await revokeWithin(tx, session.userId, { id: session.id }, 'REFRESH_REUSED', at);
    return { refusal: reusedToken(), ended };
  }
  await markRefreshTokenUsed(tx.em, hash, at);
  const [user] = await findUsersById(tx.em, [session.userId]);
  return { tokens: await prolongSession(tx.em, keys, user!, session, at) };
}

const unknownToken = () =>
  new Refusal({
    __typename: 'InvalidCredentialsError',
    message: 'The refresh token is not valid, or no longer. Sign in again.',
    field: ['refreshToken'],
  });

const reusedToken = () =>
  new Refusal({
    __typename: 'RefreshReuseError',
    message: 'This refresh token was used before. The session has been ended; sign in again.',
    field: ['refreshToken'],
  });
