import {
  createLocalJWKSet,
  errors,
  type FlattenedJWSInput,
  type JSONWebKeySet,
  type JWSHeaderParameters,
  type LocalJWKSet,
} from 'jose';
import { z } from 'zod';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';

/** A user service's public keys as they are now. Rejects where they cannot be had. */
export type LoadKeys = () => Promise<unknown>;

export interface KeySet {
  /** The key that signed a token. An unknown key id loads the set again, at most once per `RELOAD_COOLDOWN_MS`. */
  find(header: JWSHeaderParameters, token: FlattenedJWSInput): Promise<CryptoKey>;
  /** Resolves once there are keys. Rejects with SERVICE_UNAVAILABLE where they cannot be loaded. */
  ready(): Promise<void>;
}

const REFRESH_AFTER_MS = 5 * 60_000;
const RELOAD_COOLDOWN_MS = 5_000;
const LOAD_TIMEOUT_MS = 5_000;

const keySet = z.object({ keys: z.array(z.looseObject({ kty: z.string() })).min(1) });

/** Loads keys from a JWKS address. */
export function remoteKeys(url: URL): LoadKeys {
  return async () => {
    const response = await fetch(url, { signal: AbortSignal.timeout(LOAD_TIMEOUT_MS), redirect: 'error' });
    if (!response.ok) throw new Error(`${url.href} answered ${response.status}`);
    return response.json();
  };
}

/**
 * Keeps keys and follows their rotation. Old keys go on verifying while their source is away: an outage of the user service
 * must not sign everybody out.
 */
export function createKeySet(load: LoadKeys, log: Log, now: () => number = Date.now): KeySet {
  let keys: LocalJWKSet | null = null;
  let loadedAtMs = 0;
  let triedAtMs = -Infinity;
  let loading: Promise<LocalJWKSet> | null = null;

  const reload = (): Promise<LocalJWKSet> => {
    triedAtMs = now();
    loading ??= load()
      .then((value) => {
        keys = createLocalJWKSet(keySet.parse(value) as JSONWebKeySet);
        loadedAtMs = now();
        return keys;
      })
      .finally(() => (loading = null));
    return loading;
  };
  const refresh = () =>
    reload().catch((error: unknown) => log.warn({ err: messageOf(error) }, 'keys could not be loaded again'));

  const current = async (): Promise<LocalJWKSet> => {
    if (keys) {
      if (now() - Math.max(loadedAtMs, triedAtMs) > REFRESH_AFTER_MS) void refresh();
      return keys;
    }
    return reload().catch((error: unknown) => {
      log.warn({ err: messageOf(error) }, 'keys could not be loaded');
      throw new CodedError('SERVICE_UNAVAILABLE', 'Tokens cannot be verified right now.', {}, error);
    });
  };

  return {
    async find(header, token) {
      const known = await current();
      try {
        return await known(header, token);
      } catch (error) {
        // Tokens with made-up key ids must not turn into a load each.
        const mayReload =
          error instanceof errors.JWKSNoMatchingKey && now() - triedAtMs >= RELOAD_COOLDOWN_MS;
        if (!mayReload) throw error;
        await refresh();
        return (keys ?? known)(header, token);
      }
    },
    ready: async () => void (await current()),
  };
}
