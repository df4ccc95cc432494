import { exportJWK, generateKeyPair, importJWK, SignJWT, type CryptoKey, type JWK } from 'jose';
import { randomBytes } from 'node:crypto';
import type { Database, Em } from '#platform/database.ts';
import { seal, unseal } from '#platform/sealing.ts';
import { SigningKey, type SigningKeyRow } from '../data/signing-key.entity.ts';
import { ACCESS_TOKEN_TTL_MS, type Session } from '../domain/session.ts';
import type { User } from '../domain/user.ts';

const TOKEN_ISSUER = 'veza';
const TOKEN_AUDIENCE = 'veza';

const ALGORITHM = 'EdDSA';
const SEAL_PURPOSE = 'jwt-signing-key';
const ROTATION_MS = 30 * 24 * 3_600_000;
/** A retired key is published for as long as a token that it signed may live, with room for caches. */
const RETIREMENT_MS = ACCESS_TOKEN_TTL_MS + 24 * 3_600_000;
const REFRESH_MS = 60_000;
/** Other processes must know a new key before a token comes that it signed. */
const WARM_UP_MS = 2 * REFRESH_MS;
const ROTATION_LOCK = 7_346_104;

export interface KeyRing {
  /** Access token for a session; EdDSA, with the id of the key that signed it. */
  sign(user: User, session: Session, now: Date): Promise<string>;
  /** Public keys as a JWK set: the current one, and older ones as long as their tokens may live. */
  jwks(): Promise<{ keys: JWK[] }>;
  /** Adds a key. It signs as soon as every process can know it; tokens of older keys stay valid until they expire. */
  rotate(now?: Date): Promise<void>;
}

interface Key {
  readonly kid: string;
  readonly publicJwk: JWK;
  readonly privateKey: CryptoKey;
  readonly createdAtMs: number;
}

interface Keys {
  readonly all: readonly Key[];
  readonly loadedAtMs: number;
}

/** Keys live in the database, the private halves encrypted, so every process of this subgraph signs with the same ones. */
export function createKeyRing({ database, secret }: { database: Database; secret: string }): KeyRing {
  let loading: Promise<Keys> | undefined;

  const current = async (nowMs: number): Promise<Keys> => {
    const known = await loading;
    if (known && known.loadedAtMs + REFRESH_MS > nowMs) return known;
    loading = loadKeys(database, secret, nowMs);
    loading.catch(() => (loading = undefined));
    return loading;
  };

  return {
    async sign(user, session, now) {
      const key = signingKey((await current(now.getTime())).all, now.getTime());
      return new SignJWT({ sid: session.id, roles: [...user.roles] })
        .setProtectedHeader({ alg: ALGORITHM, kid: key.kid, typ: 'JWT' })
        .setIssuer(TOKEN_ISSUER)
        .setAudience(TOKEN_AUDIENCE)
        .setSubject(user.id)
        .setIssuedAt(now)
        .setExpirationTime(new Date(now.getTime() + ACCESS_TOKEN_TTL_MS))
        .sign(key.privateKey);
    },
    async jwks() {
      const { all } = await current(Date.now());
      return { keys: all.map(({ kid, publicJwk }) => ({ ...publicJwk, kid, alg: ALGORITHM, use: 'sig' })) };
    },
    async rotate(now = new Date()) {
      await database.fork().transactional((em) => insertKey(em, secret, now));
      loading = undefined;
    },
  };
}

/** The newest key that every process can know by now; the newest of all where there is none that old. */
function signingKey(keys: readonly Key[], nowMs: number): Key {
  const key = keys.find(({ createdAtMs }) => createdAtMs + WARM_UP_MS <= nowMs) ?? keys.at(-1);
  if (!key) throw new Error('There is no signing key.');
  return key;
}

async function loadKeys(database: Database, secret: string, nowMs: number): Promise<Keys> {
  const rows = await database.fork().transactional(async (em) => {
    // One process at a time decides whether a key is due, so that two starting at once make one.
    await em.execute('select pg_advisory_xact_lock(?)', [ROTATION_LOCK]);
    const [newest] = await em.find(SigningKey, {}, { orderBy: { createdAt: 'desc' }, limit: 1 });
    if (!newest || newest.createdAt.getTime() + ROTATION_MS < nowMs)
      await insertKey(em, secret, new Date(nowMs));
    await em.nativeDelete(SigningKey, { createdAt: { $lt: new Date(nowMs - ROTATION_MS - RETIREMENT_MS) } });
    return em.find(SigningKey, {}, { orderBy: { createdAt: 'desc' } });
  });
  return { all: await Promise.all(rows.map((row) => openKey(row, secret))), loadedAtMs: nowMs };
}

async function insertKey(em: Em, secret: string, createdAt: Date): Promise<void> {
  const { publicKey, privateKey } = await generateKeyPair(ALGORITHM, { crv: 'Ed25519', extractable: true });
  const { kty, crv, x } = (await exportJWK(publicKey)) as { kty: string; crv: string; x: string };
  const sealedPrivateJwk = seal(JSON.stringify(await exportJWK(privateKey)), secret, SEAL_PURPOSE);
  const kid = randomBytes(8).toString('base64url');
  await em.insert(SigningKey, { kid, publicJwk: { kty, crv, x }, sealedPrivateJwk, createdAt });
}

async function openKey(row: SigningKeyRow, secret: string): Promise<Key> {
  const jwk = JSON.parse(unseal(row.sealedPrivateJwk, secret, SEAL_PURPOSE)) as JWK;
  const privateKey = (await importJWK(jwk, ALGORITHM)) as CryptoKey;
  return { kid: row.kid, publicJwk: row.publicJwk, privateKey, createdAtMs: row.createdAt.getTime() };
}
