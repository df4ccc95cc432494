import { z } from 'zod';
import { rtpParameters } from './rtp.ts';
import { participantInfo } from './signalling.ts';

/**
 * What media servers that host the same live room tell each other. Who is in the room goes over the live bus, which may lose messages: versions show
 * it, and whoever missed something asks for all of it. How audio gets from one to another is asked for over HTTP.
 */
export const roomTopic = (liveRoomId: string): string => `media:room:${liveRoomId}`;

const serverId = z.string().min(1).max(64);

/** A participant as the server tells it where it is connected. */
export const remoteSeat = z.object({
  info: participantInfo,
  /** Of the grant with which it connected: of two connections the one with the later grant counts. Milliseconds since 1970. */
  grantExpiresAtMs: z.number(),
  /** Their connection broke, and they may still resume it. */
  lost: z.boolean().default(false),
});
export type RemoteSeat = z.infer<typeof remoteSeat>;

export const roomMessage = z.discriminatedUnion('kind', [
  /** Everybody else answers with all of its participants. */
  z.object({ kind: z.literal('ask'), serverId }),
  /** Who is connected to that server, or what changed about it. */
  z.object({
    kind: z.literal('share'),
    serverId,
    /** Where other media servers reach it. */
    url: z.url(),
    /** Changes with the router on which audio of other servers comes in and leaves: links to the former one are lost. */
    entry: z.string().nullable(),
    /** Version that this is a change of, or null where it is all there is. */
    base: z.number().int().nullable(),
    version: z.number().int(),
    seats: z.array(remoteSeat),
    /** Participants that are connected there no more. */
    gone: z.array(z.string()),
  }),
  /** The server does not host the room any more. */
  z.object({ kind: z.literal('left'), serverId }),
]);
export type RoomMessage = z.infer<typeof roomMessage>;
export type ShareMessage = Extract<RoomMessage, { kind: 'share' }>;

/** Path of the HTTP route to which a server says which streams of another it wants. For the platform itself. */
export const LINKS_PATH = '/internal/live-room-links';

/** Path of the HTTP route at which a server says who it is: an address may have passed to another. For the platform itself. */
export const IDENTITY_PATH = '/internal/media-server';

export const serverIdentity = z.object({ serverId });

/** Where one end of a link receives SRTP, and how what it sends is encrypted. */
const endpoint = z.object({
  address: z.string(),
  port: z.number().int().min(1).max(65_535),
  srtpParameters: z.object({
    cryptoSuite: z.enum([
      'AEAD_AES_256_GCM',
      'AEAD_AES_128_GCM',
      'AES_CM_128_HMAC_SHA1_80',
      'AES_CM_128_HMAC_SHA1_32',
    ]),
    keyBase64: z.string().max(128),
  }),
});
export type LinkEndpoint = z.infer<typeof endpoint>;

/**
 * All that a server wants of another for one room, each time: saying it twice changes nothing. What is not said again for LINK_LEASE_MS is
 * forgotten, so that nothing stays open for a server that crashed.
 */
export const linkRequest = z.object({
  liveRoomId: z.string(),
  /** Who asks. */
  serverId,
  /** Number of the link: a later one replaces it, an earlier one is refused. */
  link: z.number().int(),
  /** Number of the request on this link: what comes late is answered, but not obeyed. */
  seq: z.number().int(),
  endpoint,
  /** Ids of the streams that shall be sent. None: the link is closed. */
  wants: z.array(z.string().max(64)).max(10_000),
});
export type LinkRequest = z.infer<typeof linkRequest>;

export const linkAnswer = z.object({
  endpoint,
  /** Another one than before: the link was lost, and has to be opened again. */
  transportId: z.string(),
  /** Those of the wanted streams that are there. */
  streams: z.array(z.object({ producerId: z.string(), paused: z.boolean(), rtpParameters })),
});
export type LinkAnswer = z.infer<typeof linkAnswer>;

export const LINK_LEASE_MS = 15_000;
