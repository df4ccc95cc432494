import { createHmac } from 'node:crypto';
import type { IceServer } from '../domain/ports.ts';

/** TURN servers that share `secret` with us (coturn's `use-auth-secret`). */
export interface TurnOptions {
  readonly urls: readonly string[];
  readonly secret: string;
}

const CREDENTIAL_TTL_MS = 6 * 3_600_000;

/** Servers for one user, with credentials that end by themselves: the name carries the end in seconds since 1970, the password is its HMAC. */
export function iceServers(turn: TurnOptions | null, userId: string, now: Date): IceServer[] {
  if (turn === null) return [];
  const username = `${Math.floor((now.getTime() + CREDENTIAL_TTL_MS) / 1_000)}:${userId}`;
  const credential = createHmac('sha1', turn.secret).update(username).digest('base64');
  return [{ urls: turn.urls, username, credential }];
}
