import { connectLiveBus } from '#platform/events/connect.ts';
import { INTERNAL_HEADER, signInternal } from '#platform/internal-auth.ts';
import type { Log } from '#platform/log.ts';
import { revokedSessionList } from '#platform/revoked-sessions.ts';
import type { GatewaySettings } from '../settings.ts';
import type { GatewayAuth } from './auth.ts';
import { createJwtAuth } from './jwt-auth.ts';

const REVOCATIONS_TIMEOUT_MS = 5_000;

export interface StartedAuth {
  readonly auth: GatewayAuth;
  /** Closes it and what it was started on. */
  close(): Promise<void>;
}

/** Verifies tokens by the keys of the user service at JWKS_URL; null without one. */
export async function startAuth(
  {
    JWKS_URL,
    INTERNAL_SECRET: secret,
    REDIS_URL,
    REVOKED_SESSIONS_URL,
  }: Pick<GatewaySettings, 'JWKS_URL' | 'INTERNAL_SECRET' | 'REDIS_URL' | 'REVOKED_SESSIONS_URL'>,
  log: Log,
): Promise<StartedAuth | null> {
  if (!JWKS_URL || !secret) return null;
  const liveBus = REDIS_URL ? await connectLiveBus({ redisUrl: REDIS_URL, log }) : undefined;
  const auth = createJwtAuth({
    jwks: new URL(JWKS_URL),
    secret,
    log,
    revocations: {
      liveBus,
      ...(REVOKED_SESSIONS_URL && { revokedSessions: askRevocations(REVOKED_SESSIONS_URL, secret) }),
    },
  });
  const close = async () => {
    await auth.close();
    await liveBus?.close();
  };
  return { auth, close };
}

function askRevocations(address: string, secret: string) {
  return async (sinceMs: number) => {
    const url = new URL(address);
    url.searchParams.set('since', String(sinceMs));
    const response = await fetch(url, {
      headers: { [INTERNAL_HEADER]: signInternal(secret) },
      signal: AbortSignal.timeout(REVOCATIONS_TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`${url.origin}${url.pathname} answered ${response.status}`);
    return revokedSessionList.parse(await response.json()).sessions;
  };
}
