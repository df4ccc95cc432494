import type { IncomingMessage } from 'node:http';
import { CodedError } from './errors.ts';
import { isSignature, signText } from './signing.ts';

/** Header with which one process of the platform proves to another that it belongs to it. */
export const INTERNAL_HEADER = 'x-veza-internal';

const PURPOSE = 'internal';
const WINDOW_MS = 60_000;

/** Value of the header, good for a minute or two. */
export function signInternal(secret: string, nowMs: number = Date.now()): string {
  return signText(PURPOSE, String(Math.floor(nowMs / WINDOW_MS)), secret);
}

/** Whether a header's value comes from a process that knows the secret. */
export function isInternal(given: string, secret: string, nowMs: number = Date.now()): boolean {
  const current = Math.floor(nowMs / WINDOW_MS);
  // The neighbours are accepted for clocks that differ and for a window that ended on the way.
  const windows = [current, current - 1, current + 1];
  return windows.some((window) => isSignature(given, PURPOSE, String(window), secret));
}

/** Throws FORBIDDEN unless the request comes from a process that knows the secret. */
export function requireInternal(request: IncomingMessage, secret: string, nowMs: number = Date.now()): void {
  if (!isInternal(String(request.headers[INTERNAL_HEADER] ?? ''), secret, nowMs))
    throw new CodedError('FORBIDDEN', 'This address is for the platform itself.');
}
