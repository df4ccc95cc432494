import { hash } from 'node:crypto';
import { jwtVerify } from 'jose';
import { z } from 'zod';
import { CodedError } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { signViewer, VIEWER_HEADER_TTL_MS } from '#platform/viewer.ts';
import type { Grants } from '../engine/authorization/grants.ts';
import type { GatewayAuth, Identity } from './auth.ts';
import { DEFAULT_GRANT_CLAIMS, grantsOf, type GrantClaims } from './grant-claims.ts';
import { createKeySet, remoteKeys, type KeySet, type LoadKeys } from './key-set.ts';
import { REMEMBER_MS, watchRevocations, type RevocationSources } from './revocations.ts';

export interface JwtAuthOptions {
  /** Address of a JWKS document, or a function that gives one. */
  readonly jwks: URL | LoadKeys;
  readonly issuer?: string;
  readonly audience?: string;
  /** Where a token says what it grants; default: `scope` and `policies`. */
  readonly claims?: GrantClaims;
  /** Signs the viewer header; shared with the subgraphs. */
  readonly secret: string;
  readonly revocations?: RevocationSources;
  readonly log: Log;
  readonly now?: () => number;
}

const CLOCK_TOLERANCE_S = 5;
const MAX_CACHED = 10_000;
/** A key that was withdrawn stops being honoured after this time at the latest. */
const CACHE_MS = 60_000;
const RENEW_HEADER_AFTER_MS = VIEWER_HEADER_TTL_MS / 3;

const claims = z.object({
  sub: z.string().min(1),
  sid: z.string().min(1),
  exp: z.number(),
  roles: z.array(z.string()).default([]),
});

/** Verifies EdDSA access tokens: signature, issuer, audience, time, and that the session was not revoked. */
export function createJwtAuth(options: JwtAuthOptions): GatewayAuth {
  const { jwks, revocations = {}, secret, log, now = Date.now } = options;
  const keys = createKeySet(jwks instanceof URL ? remoteKeys(jwks) : jwks, log, now);
  const revoked = watchRevocations({ ...revocations, log, now });
  const verified = createTokenCache(now);

  const identify = async (token: string): Promise<Identity> => {
    const { sub, sid, exp, roles, grants } = await verify(token, keys, options);
    const viewer = { userId: sub, sessionId: sid, roles };
    return createIdentity({ viewer, grants, expiresAtMs: exp * 1_000 }, secret, now);
  };
  const requireCurrent = ({ expiresAtMs, viewer }: Identity) => {
    if (expiresAtMs + CLOCK_TOLERANCE_S * 1_000 <= now())
      throw unauthenticated('The access token has expired.');
    if (revoked.has(viewer.sessionId)) throw unauthenticated('The session was ended.');
  };
  return {
    async authenticate(authorization) {
      if (authorization === undefined || authorization === '') return null;
      const token = bearerToken(authorization);
      const identity = await verified.get(token, identify);
      requireCurrent(identity);
      return identity;
    },
    requireCurrent,
    onRevoked: (listener) => revoked.onRevoked(listener),
    ready: () => keys.ready(),
    close: () => revoked.close(),
  };
}

function bearerToken(authorization: string): string {
  const [, token] = /^Bearer +([\w.~+/=-]+) *$/i.exec(authorization) ?? [];
  if (token === undefined) throw unauthenticated('Send the access token as `Authorization: Bearer <token>`.');
  return token;
}

async function verify(
  token: string,
  keys: KeySet,
  options: JwtAuthOptions,
): Promise<z.infer<typeof claims> & { readonly grants: Grants }> {
  const {
    issuer = 'veza',
    audience = 'veza',
    claims: names = DEFAULT_GRANT_CLAIMS,
    log,
    now = Date.now,
  } = options;
  try {
    const { payload } = await jwtVerify(token, (header, input) => keys.find(header, input), {
      algorithms: ['EdDSA', 'Ed25519'],
      issuer,
      audience,
      clockTolerance: CLOCK_TOLERANCE_S,
      currentDate: new Date(now()),
      requiredClaims: ['exp'],
    });
    const parsed = claims.parse(payload);
    // A token that outlives what is remembered of revocations could come back to life.
    if (parsed.exp * 1_000 > now() + REMEMBER_MS) throw new Error('lives longer than a day');
    return { ...parsed, grants: grantsOf(payload, names) };
  } catch (error) {
    if (error instanceof CodedError) throw error;
    log.debug({ err: error }, 'token refused');
    const expired = (error as { code?: unknown }).code === 'ERR_JWT_EXPIRED';
    throw unauthenticated(expired ? 'The access token has expired.' : 'The access token is not valid.');
  }
}

const unauthenticated = (message: string) => new CodedError('UNAUTHENTICATED', message);

// One header serves many requests: they stay equal, which lets subgraph fetches be shared, and signing costs next to nothing.
function createIdentity(known: Omit<Identity, 'viewerHeader'>, secret: string, now: () => number): Identity {
  let header = '';
  let signedAtMs = -Infinity;
  return {
    ...known,
    viewerHeader() {
      if (now() - signedAtMs > RENEW_HEADER_AFTER_MS) {
        signedAtMs = now();
        header = signViewer(known.viewer, secret, signedAtMs);
      }
      return header;
    },
  };
}

/** Verifying a signature costs some 100 µs. Only the hash of a token is kept. Refused tokens are not. */
function createTokenCache(now: () => number) {
  const entries = new Map<string, { readonly identity: Identity; readonly untilMs: number }>();
  return {
    async get(token: string, identify: (token: string) => Promise<Identity>): Promise<Identity> {
      const key = hash('sha256', token, 'base64');
      const known = entries.get(key);
      if (known && known.untilMs > now()) return known.identity;
      const identity = await identify(token);
      entries.delete(key);
      entries.set(key, { identity, untilMs: now() + CACHE_MS });
      if (entries.size > MAX_CACHED) entries.delete(entries.keys().next().value as string);
      return identity;
    },
  };
}
