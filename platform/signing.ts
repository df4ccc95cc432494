import { createHmac, timingSafeEqual } from 'node:crypto';

/** HMAC-SHA256 in base64url. `purpose` keeps what is signed for one end from being good for another. */
export function signText(purpose: string, text: string, secret: string): string {
  return createHmac('sha256', secret).update(`${purpose}:${text}`).digest('base64url');
}

/** In constant time, and of the signature's text: decoding base64 would forgive characters that were changed. */
export function isSignature(given: string, purpose: string, text: string, secret: string): boolean {
  const [a, b] = [Buffer.from(given), Buffer.from(signText(purpose, text, secret))];
  return a.length === b.length && timingSafeEqual(a, b);
}

/** A JSON value and its signature as one token: `<base64url>.<signature>`. */
export function signJson(purpose: string, value: unknown, secret: string): string {
  const body = Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${body}.${signText(purpose, body, secret)}`;
}

/** What a token of `signJson` holds, or undefined where it is malformed or forged. Parse it: another version may have signed another shape. */
export function openJson(purpose: string, token: string, secret: string): unknown {
  const dot = token.indexOf('.');
  const body = token.slice(0, dot);
  if (dot < 0 || !isSignature(token.slice(dot + 1), purpose, body, secret)) return undefined;
  try {
    return JSON.parse(Buffer.from(body, 'base64url').toString('utf8'));
  } catch {
    return undefined;
  }
}
