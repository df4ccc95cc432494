import { z } from 'zod';
import { openJson, signJson } from './signing.ts';

/** The signed-in caller, as the gateway vouches for it. */
export interface Viewer {
  readonly userId: string;
  readonly sessionId: string;
  /** Platform roles, for example `ADMIN`. */
  readonly roles: readonly string[];
}

/** Header in which the gateway forwards the viewer to subgraphs. What a client sends under this name is dropped. */
export const VIEWER_HEADER = 'x-veza-viewer';

/** A captured header is useless after this time. */
export const VIEWER_HEADER_TTL_MS = 60_000;

const claims = z.object({
  userId: z.string(),
  sessionId: z.string(),
  roles: z.array(z.string()),
  expiresAtMs: z.number(),
});

const PURPOSE = 'viewer';

export function signViewer(
  { userId, sessionId, roles }: Viewer,
  secret: string,
  nowMs: number = Date.now(),
): string {
  return signJson(PURPOSE, { userId, sessionId, roles, expiresAtMs: nowMs + VIEWER_HEADER_TTL_MS }, secret);
}

/** The viewer that `header` vouches for, or null where it is malformed, its signature is wrong or its time is over. */
export function verifyViewer(header: string, secret: string, nowMs: number = Date.now()): Viewer | null {
  const parsed = claims.safeParse(openJson(PURPOSE, header, secret));
  if (!parsed.success) return null;
  const { expiresAtMs, ...viewer } = parsed.data;
  return expiresAtMs > nowMs ? viewer : null;
}
