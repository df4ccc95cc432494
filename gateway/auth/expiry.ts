import { CodedError } from '#platform/errors.ts';
import type { Identity } from './auth.ts';

/** setTimeout's own limit is 2^31 - 1 ms; a token lives shorter than a day. */
const MAX_TIMER_MS = 86_400_000;

/** Calls back when the caller's token ends, with what to say then. Returns the function that stops it; nobody's token never ends. */
export function onExpiry(identity: Identity | null, callback: (error: CodedError) => void): () => void {
  if (!identity) return () => undefined;
  const lifeMs = Math.min(Math.max(identity.expiresAtMs - Date.now(), 0), MAX_TIMER_MS);
  const timer = setTimeout(
    () => callback(new CodedError('UNAUTHENTICATED', 'The access token has expired.')),
    lifeMs,
  );
  return () => clearTimeout(timer);
}
