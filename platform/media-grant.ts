import { randomBytes } from 'node:crypto';
import { z } from 'zod';
import { liveRole } from '#schema/live-role.ts';
import { openJson, signJson } from './signing.ts';

/** Longest life of a grant. It has to last from the answer of `joinLiveRoom` to the first message on the media socket. */
export const MEDIA_GRANT_TTL_MS = 60_000;

const rights = z.object({
  liveRoomId: z.string(),
  participantId: z.string(),
  userId: z.string(),
  role: liveRole,
  expiresAtMs: z.number(),
  /** A moderator has muted this participant. */
  muted: z.boolean().default(false),
  /** Stereo at a high bitrate, without gaps in silence. */
  musicMode: z.boolean().default(false),
  /** People who fit into the room; null for as many as the media server takes. */
  capacity: z.number().int().nullable().default(null),
  /** People who may send at once, besides a host who comes last; null for any number. */
  maxSpeakers: z.number().int().nullable().default(null),
  /** They have left since they were here before: to others they come anew. */
  anew: z.boolean().default(false),
});

/** `grantId` tells grants with the same rights apart: each lets one socket in, once. */
const claims = rights.extend({ grantId: z.string().min(1) });

/** The right to be one participant of one live room, as the stream subgraph vouches for it. */
export type MediaGrant = Readonly<z.infer<typeof claims>>;
export type MediaGrantClaims = Readonly<z.input<typeof rights>>;

export type GrantRefusal = 'GRANT_INVALID' | 'GRANT_EXPIRED';

const PURPOSE = 'media-grant';

/** A token that media servers accept once, until `expiresAtMs`, which must not be later than MEDIA_GRANT_TTL_MS from now. Each call makes another. */
export function signMediaGrant(grant: MediaGrantClaims, secret: string): string {
  const grantId = randomBytes(16).toString('base64url');
  return signJson(PURPOSE, { ...rights.parse(grant), grantId }, secret);
}

/** The grant that `token` carries, or null where it is forged, foreign, malformed or expired. */
export function verifyMediaGrant(
  token: string,
  secret: string,
  nowMs: number = Date.now(),
): MediaGrant | null {
  const result = readMediaGrant(token, secret, nowMs);
  return typeof result === 'string' ? null : result;
}

/** As verifyMediaGrant, but tells an expired grant (worth asking for a new one) from one that was never valid. */
export function readMediaGrant(token: string, secret: string, nowMs: number): MediaGrant | GrantRefusal {
  const parsed = claims.safeParse(openJson(PURPOSE, token, secret));
  if (!parsed.success) return 'GRANT_INVALID';
  return parsed.data.expiresAtMs > nowMs ? parsed.data : 'GRANT_EXPIRED';
}
