import { CodedError } from '#platform/errors.ts';
import { sendJson, type HttpRoute } from '#platform/http.ts';
import { requireInternal } from '#platform/internal-auth.ts';
import { REVOKED_SESSIONS_PATH } from '#platform/revoked-sessions.ts';
import type { KeyRing } from './service/key-ring.ts';

/** Public keys that verify access tokens. Public, and safe to cache for a minute. */
export function jwksRoute(keys: KeyRing): HttpRoute {
  return {
    methods: ['GET'],
    path: '/.well-known/jwks.json',
    handle: async (_request, response) => {
      response.setHeader('cache-control', 'public, max-age=60');
      sendJson(response, 200, await keys.jwks());
    },
  };
}

/** Sessions that were ended since a moment, for gateways that may have missed the notice. */
export function revokedSessionsRoute(
  revokedSessions: (sinceMs: number) => Promise<{ sessionId: string }[]>,
  secret: string,
): HttpRoute {
  return {
    methods: ['GET'],
    path: REVOKED_SESSIONS_PATH,
    handle: async (request, response, url) => {
      requireInternal(request, secret);
      const sinceMs = Number(url.searchParams.get('since') ?? Number.NaN);
      // Dates end at 8.64e15 ms; beyond it PostgreSQL would be asked nonsense.
      if (!(Math.abs(sinceMs) <= 8.64e15))
        throw new CodedError('BAD_REQUEST', 'since must be milliseconds since 1970.');
      sendJson(response, 200, { sessions: await revokedSessions(sinceMs) });
    },
  };
}
