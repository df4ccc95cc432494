import { exportJWK, generateKeyPair, SignJWT, type JSONWebKeySet } from 'jose';

export interface TokenClaims {
  readonly userId?: string;
  readonly sessionId?: string;
  readonly roles?: readonly string[];
  readonly issuer?: string;
  readonly audience?: string;
  /** Seconds from now; negative for a token that is over. */
  readonly livesS?: number;
  readonly kid?: string;
  /** Any others. */
  readonly others?: Readonly<Record<string, unknown>>;
}

/** A key pair as the user service has one, with tokens signed by it. */
export interface TokenIssuer {
  readonly jwks: JSONWebKeySet;
  sign(claims?: TokenClaims): Promise<string>;
}

export async function createTokenIssuer(kid = 'key-1'): Promise<TokenIssuer> {
  const { publicKey, privateKey } = await generateKeyPair('EdDSA', { extractable: true });
  const jwk = { ...(await exportJWK(publicKey)), kid, alg: 'EdDSA', use: 'sig' };
  return {
    jwks: { keys: [jwk] },
    sign: ({
      userId = 'usr_1',
      sessionId = 'ses_1',
      roles = [],
      issuer = 'veza',
      audience = 'veza',
      livesS = 60,
      others = {},
      ...rest
    } = {}) =>
      new SignJWT({ ...others, sid: sessionId, roles: [...roles] })
        .setProtectedHeader({ alg: 'EdDSA', kid: rest.kid ?? kid })
        .setSubject(userId)
        .setIssuer(issuer)
        .setAudience(audience)
        .setExpirationTime(Math.floor(Date.now() / 1_000) + livesS)
        .sign(privateKey),
  };
}
