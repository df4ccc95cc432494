import { z } from 'zod';
import { liveRole } from './live-role.ts';
import { dtlsParameters, iceCandidate, iceParameters, rtpCapabilities, rtpParameters } from './rtp.ts';

/**
 * The language of the media WebSocket (`/media`): JSON text frames, requests answered by id, and notifications.
 *
 *   client                                   server
 *   { id, method, data }                 →
 *                                        ←   { id, ok: true, data } or { id, ok: false, error: { code, message } }
 *                                        ←   { event, data }
 *
 * Order: `authenticate` with a grant token (the first frame, before AUTHENTICATION_DEADLINE_MS), `join` with the device's capabilities, then the
 * rest. Requests of one socket are handled one after the other, in the order of their arrival.
 */
export const SUBPROTOCOL = 'veza-live.v1';
export const PROTOCOL_VERSION = 1;

/** A frame that is larger closes the socket, with 1009 of RFC 6455; one that is not UTF-8 with 1007. */
export const MAX_FRAME_BYTES = 64 * 1024;
export const AUTHENTICATION_DEADLINE_MS = 5_000;
/** The server pings (WebSocket control frame) this often, and closes a socket that has not answered by the next one. */
export const HEARTBEAT_MS = 10_000;

/** Why the server closed a socket. The reason text of the close frame is the name. */
export const CLOSE_CODES = {
  BAD_FRAME: 4400,
  GRANT_INVALID: 4401,
  REMOVED: 4403,
  AUTHENTICATION_TIMEOUT: 4408,
  DUPLICATE_IDENTITY: 4409,
  ROOM_ENDED: 4410,
  FRAME_TOO_LARGE: 1009,
  GRANT_EXPIRED: 4419,
  GRANT_USED: 4420,
  ROOM_FULL: 4423,
  RATE_LIMITED: 4429,
  INTERNAL: 4500,
  SERVER_SHUTDOWN: 4501,
  MEDIA_UNAVAILABLE: 4503,
  HEARTBEAT_LOST: 4504,
} as const;
export type CloseReason = keyof typeof CLOSE_CODES;

/** Whether a client that asks for a new grant and connects again may succeed. */
export const isWorthReconnecting = (closeCode: number): boolean =>
  !FINAL_CODES.has(closeCode) && closeCode !== NORMAL_CLOSURE;

/** RFC 6455: the purpose of the connection is fulfilled; the answer to `leave`. */
export const NORMAL_CLOSURE = 1000;

const FINAL_CODES: ReadonlySet<number> = new Set([
  CLOSE_CODES.BAD_FRAME,
  CLOSE_CODES.GRANT_INVALID,
  CLOSE_CODES.REMOVED,
  CLOSE_CODES.DUPLICATE_IDENTITY,
  CLOSE_CODES.ROOM_ENDED,
  CLOSE_CODES.FRAME_TOO_LARGE,
  CLOSE_CODES.ROOM_FULL,
]);

/** Codes of refused requests; the socket stays open. */
export const ERROR_CODES = [
  /** The data does not have the method's shape, or describes something impossible. */
  'BAD_REQUEST',
  'UNKNOWN_METHOD',
  /** The method needs `authenticate` or `join` first. */
  'WRONG_STATE',
  /** The participant's role does not allow it. */
  'FORBIDDEN',
  /** A moderator has muted the participant. */
  'MUTED',
  /** No such transport, producer or consumer of this participant. */
  'NOT_FOUND',
  'LIMIT_REACHED',
  'RATE_LIMITED',
  /** The room is being moved to another worker: a `rejoin` notification follows. */
  'MEDIA_UNAVAILABLE',
  'INTERNAL',
] as const;
export const errorCode = z.enum(ERROR_CODES);
export type SignallingErrorCode = z.infer<typeof errorCode>;

const id = z.string().min(1).max(64);
const nothing = z.object({});

/** How to encode: `stereo` and a high bitrate for music; `dtx` sends almost nothing in silence. */
export const opusSettings = z.object({
  stereo: z.boolean(),
  dtx: z.boolean(),
  fec: z.boolean(),
  maxAverageBitrateBps: z.number().int(),
});

const producerInfo = z.object({ producerId: id, paused: z.boolean() });
const participantInfo = z.object({
  participantId: z.string(),
  userId: z.string(),
  role: liveRole,
  /** Muted by a moderator. */
  muted: z.boolean(),
  producers: z.array(producerInfo),
});
export type ParticipantInfo = z.infer<typeof participantInfo>;

const define = <D extends z.ZodType, A extends z.ZodType>(data: D, answer: A) => ({ data, answer });

/** Requests: method → data and answer. */
export const REQUESTS = {
  /** `token` comes from `joinLiveRoom` and lets one socket in, once. A second socket with a grant for the same participant closes the first. */
  authenticate: define(
    z.object({ token: z.string().max(2_048) }),
    z.object({
      protocolVersion: z.number().int(),
      liveRoomId: z.string(),
      participantId: z.string(),
      userId: z.string(),
      role: liveRole,
      muted: z.boolean(),
      opus: opusSettings,
      routerRtpCapabilities: rtpCapabilities,
    }),
  ),
  /** Answers with the others who are here; from now on changes are notified. */
  join: define(z.object({ rtpCapabilities }), z.object({ participants: z.array(participantInfo) })),
  /** One transport for each direction; a second one replaces the first. */
  createTransport: define(
    z.object({ direction: z.enum(['send', 'recv']) }),
    z.object({ transportId: id, iceParameters, iceCandidates: z.array(iceCandidate), dtlsParameters }),
  ),
  connectTransport: define(z.object({ transportId: id, dtlsParameters }), nothing),
  restartIce: define(z.object({ transportId: id }), z.object({ iceParameters })),
  /** Roles that may speak only. */
  produce: define(
    z.object({ transportId: id, rtpParameters, paused: z.boolean().default(false) }),
    z.object({ producerId: id }),
  ),
  pauseProducer: define(z.object({ producerId: id }), nothing),
  /** MUTED while a moderator's mute holds. */
  resumeProducer: define(z.object({ producerId: id }), nothing),
  closeProducer: define(z.object({ producerId: id }), nothing),
  /** Starts paused: no packet is sent before `resumeConsumer`. Asked twice, it answers with the same consumer. */
  consume: define(
    z.object({ producerId: id }),
    z.object({
      consumerId: id,
      producerId: id,
      participantId: z.string(),
      rtpParameters,
      producerPaused: z.boolean(),
    }),
  ),
  resumeConsumer: define(z.object({ consumerId: id }), nothing),
  /** The server closes the socket with NORMAL_CLOSURE after its answer. */
  leave: define(nothing, nothing),
  ping: define(nothing, nothing),
} as const;

export type RequestMethod = keyof typeof REQUESTS;
/** What a handler receives, defaults filled in. */
export type RequestData<M extends RequestMethod> = z.output<(typeof REQUESTS)[M]['data']>;
/** What a client has to send. */
export type RequestInput<M extends RequestMethod> = z.input<(typeof REQUESTS)[M]['data']>;
export type RequestAnswer<M extends RequestMethod> = z.output<(typeof REQUESTS)[M]['answer']>;

export const isRequestMethod = (name: string): name is RequestMethod => Object.hasOwn(REQUESTS, name);

const participantId = z.string();

/** Notifications: event → data. Sent to sockets that have joined. */
export const NOTIFICATIONS = {
  peerJoined: participantInfo,
  /** A `peerLeft` implies that its producers are closed. */
  peerLeft: z.object({ participantId }),
  /** Somebody began to send: `consume` it. */
  producerOpened: z.object({ participantId, producerId: id, paused: z.boolean() }),
  producerPaused: z.object({ participantId, producerId: id }),
  producerResumed: z.object({ participantId, producerId: id }),
  producerClosed: z.object({ participantId, producerId: id }),
  /** The consumer is gone on the server; its producer was closed, or a transport. */
  consumerClosed: z.object({ consumerId: id }),
  /** Somebody's role, one's own included. */
  roleChanged: z.object({ participantId, role: liveRole }),
  /** A moderator's mute began or ended, one's own included. */
  muteChanged: z.object({ participantId, muted: z.boolean() }),
  /** Who holds the floor. */
  activeSpeaker: z.object({ participantId: z.string().nullable() }),
  /** At most five times a second; `level` is 0 to 1. Who is missing is silent. */
  audioLevels: z.object({ levels: z.array(z.object({ participantId, level: z.number() })) }),
  /** Transports, producers and consumers are lost (a worker died): drop them, then `join` again on this socket. */
  rejoin: z.object({ routerRtpCapabilities: rtpCapabilities }),
  /** The socket closes right after it. */
  roomClosed: nothing,
} as const;

export type NotificationEvent = keyof typeof NOTIFICATIONS;
export type NotificationData<E extends NotificationEvent> = z.output<(typeof NOTIFICATIONS)[E]>;

export const requestFrame = z.object({
  id: z.number().int().min(0),
  method: z.string().max(64),
  data: z.unknown().default({}),
});

export const signallingError = z.object({
  code: errorCode,
  message: z.string(),
  retryAfterMs: z.number().optional(),
});
export type SignallingErrorData = z.infer<typeof signallingError>;

export const serverFrame = z.union([
  z.object({ id: z.number(), ok: z.literal(true), data: z.unknown() }),
  z.object({ id: z.number(), ok: z.literal(false), error: signallingError }),
  z.object({ event: z.string(), data: z.unknown() }),
]);
export type ServerFrame = z.infer<typeof serverFrame>;
