import { isSignature, signText } from '../signing.ts';

/** Path under which files on local disk are served. */
export const FILES_PATH = '/files/';

const PURPOSE = 'file';
const HOUR_MS = 3_600_000;

/** `<publicUrl>/files/<key>?expires=<ms>&signature=…`, good for at least `ttlMs`; the expiry is rounded up to the hour. */
export function signFileUrl(
  publicUrl: string,
  key: string,
  ttlMs: number,
  secret: string,
  nowMs = Date.now(),
): string {
  const expiresAtMs = Math.ceil((nowMs + ttlMs) / HOUR_MS) * HOUR_MS;
  const url = new URL(FILES_PATH + key, publicUrl);
  url.searchParams.set('expires', String(expiresAtMs));
  url.searchParams.set('signature', signText(PURPOSE, signedPart(key, expiresAtMs), secret));
  return url.href;
}

/** The key that a request may read, or null where the address was forged or its time is over. */
export function verifyFileUrl(url: URL, secret: string, nowMs = Date.now()): string | null {
  const key = decodePath(url.pathname.slice(FILES_PATH.length));
  const expiresAtMs = Number(url.searchParams.get('expires'));
  if (key === null || !(expiresAtMs > nowMs)) return null;
  const signature = url.searchParams.get('signature') ?? '';
  return isSignature(signature, PURPOSE, signedPart(key, expiresAtMs), secret) ? key : null;
}

function decodePath(path: string): string | null {
  try {
    return decodeURIComponent(path);
  } catch {
    return null;
  }
}

const signedPart = (key: string, expiresAtMs: number) => `${key}:${expiresAtMs}`;
