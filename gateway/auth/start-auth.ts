import type { LiveBus } from '#platform/events/ports.ts';
import { INTERNAL_HEADER, signInternal } from '#platform/internal-auth.ts';
import type { Log } from '#platform/log.ts';
import { revokedSessionList } from '#platform/revoked-sessions.ts';
import type { GatewaySettings } from '../settings.ts';
import type { GatewayAuth } from './auth.ts';
import { createJwtAuth } from './jwt-auth.ts';

const REVOCATIONS_TIMEOUT_MS = 5_000;

/** Verifies tokens by the keys of the user service at JWKS_URL; null without one. The live bus stays the caller's. */
export function startAuth(
  {
    JWKS_URL,
    INTERNAL_SECRET: secret,
    REVOKED_SESSIONS_URL,
    config,
  }: Pick<GatewaySettings, 'JWKS_URL' | 'INTERNAL_SECRET' | 'REVOKED_SESSIONS_URL' | 'config'>,
  liveBus: LiveBus | undefined,
  log: Log,
): GatewayAuth | null {
  if (!JWKS_URL || !secret) return null;
  return createJwtAuth({
    jwks: new URL(JWKS_URL),
    secret,
    claims: config.authorization,
    log,
    revocations: {
      liveBus,
      ...(REVOKED_SESSIONS_URL && { revokedSessions: askRevocations(REVOKED_SESSIONS_URL, secret) }),
    },
  });
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
