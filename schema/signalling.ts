import { z } from 'zod';
import { connectionQuality } from './connection-quality.ts';
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
 * rest. Requests of one socket are handled one after the other, in the order of their arrival, and `ping` at once.
 */
export const PROTOCOL_VERSION = 1;
/**
 * Name of the WebSocket subprotocol, version included. A version changes where a client that does not know of a change would fail: methods, events,
 * fields and codes may be added without that, so clients pass over what they do not know.
 */
export const SUBPROTOCOL = `veza-live.v${PROTOCOL_VERSION}`;
/** Another version of it, which is closed with VERSION_UNSUPPORTED; a socket without any is not opened. */
export const isAnotherVersion = (protocol: string): boolean =>
  protocol !== SUBPROTOCOL && /^veza-live\.v\d+$/.test(protocol);

/** A frame that is larger closes the socket, with 1009 of RFC 6455; one that is not UTF-8 with 1007. */
export const MAX_FRAME_BYTES = 64 * 1024;
export const AUTHENTICATION_DEADLINE_MS = 5_000;
/** The server pings (WebSocket control frame) this often, and closes a socket that has not answered by the next one. */
export const HEARTBEAT_MS = 10_000;

/** Of listeners so many are told of one by one, and everybody who may speak. Of further listeners only their number is told, so often at most. */
export const MAX_LISTED_LISTENERS = 100;
export const LISTENER_COUNT_MS = 1_000;
export const LISTENERS_PER_PAGE = 100;

/** Of how many participants a level is told, loudest first. */
export const MAX_LEVELS = 16;

/** Why the server closed a socket. The reason text of the close frame is the name. */
export const CLOSE_CODES = {
  FRAME_TOO_LARGE: 1009,
  BAD_FRAME: 4400,
  GRANT_INVALID: 4401,
  REMOVED: 4403,
  VERSION_UNSUPPORTED: 4406,
  AUTHENTICATION_TIMEOUT: 4408,
  DUPLICATE_IDENTITY: 4409,
  ROOM_ENDED: 4410,
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
  CLOSE_CODES.VERSION_UNSUPPORTED,
  CLOSE_CODES.DUPLICATE_IDENTITY,
  CLOSE_CODES.ROOM_ENDED,
  CLOSE_CODES.FRAME_TOO_LARGE,
  CLOSE_CODES.ROOM_FULL,
]);

/** Codes of refused requests; the socket stays open. */
export const ERROR_CODES = [
  'BAD_REQUEST',
  'UNKNOWN_METHOD',
  'WRONG_STATE',
  'FORBIDDEN',
  'MUTED',
  'NOT_FOUND',
  'LIMIT_REACHED',
  'SPEAKER_LIMIT',
  'RATE_LIMITED',
  'MEDIA_UNAVAILABLE',
  'INTERNAL',
] as const;
export const errorCode = z.enum(ERROR_CODES);
export type SignallingErrorCode = z.infer<typeof errorCode>;

const id = z.string().min(1).max(64);
const nothing = z.object({});

export const opusSettings = z
  .object({
    stereo: z.boolean(),
    dtx: z.boolean().describe('Send almost nothing in silence.'),
    fec: z.boolean().describe('Forward error correction.'),
    maxAverageBitrateBps: z.number().int().describe('Bits per second.'),
  })
  .meta({ id: 'OpusSettings', description: 'How to encode: stereo at a high bitrate is for music.' });

const producerInfo = z.object({ producerId: id, paused: z.boolean() });
export const participantInfo = z
  .object({
    participantId: z.string(),
    userId: z.string(),
    role: liveRole,
    muted: z.boolean().describe('By a moderator.'),
    producers: z.array(producerInfo),
    quality: connectionQuality.optional().describe('Of their connection; left out until it was measured.'),
  })
  .meta({ id: 'ParticipantInfo', description: 'Somebody who has joined.' });
export type ParticipantInfo = z.infer<typeof participantInfo>;

const listenerCount = z
  .number()
  .int()
  .nullable()
  .describe('Of the whole room, oneself included; null while all of them are told of one by one.');

const define = <D extends z.ZodType, A extends z.ZodType>(description: string, data: D, answer: A) => ({
  description,
  data,
  answer,
});

/** Requests: method → description, data and answer. */
export const REQUESTS = {
  authenticate: define(
    'Shows a grant. `token` comes from `joinLiveRoom` and lets one socket in, once. A second socket with a grant for the same participant closes the first.',
    z.object({ token: z.string().max(2_048) }),
    z.object({
      protocolVersion: z.number().int(),
      liveRoomId: z.string(),
      participantId: z.string(),
      userId: z.string(),
      role: liveRole,
      muted: z.boolean().describe('By a moderator.'),
      opus: opusSettings,
      routerRtpCapabilities: rtpCapabilities,
    }),
  ),
  join: define(
    `Enters the room with what the device can receive. Answers with the others who may speak and up to ${MAX_LISTED_LISTENERS} of those who listen, how many listen in all, and who holds the floor; from now on changes are notified.`,
    z.object({ rtpCapabilities }),
    z.object({
      participants: z.array(participantInfo),
      listenerCount,
      activeSpeaker: z.string().nullable().describe('Participant, as `activeSpeaker` tells of changes.'),
    }),
  ),
  listListeners: define(
    `A page of ${LISTENERS_PER_PAGE} of those who listen, in the order of their ids. \`next\` is the \`after\` of the next page; null where there is none.`,
    z.object({ after: z.string().max(64).optional() }),
    z.object({ participants: z.array(participantInfo), next: z.string().nullable() }),
  ),
  createTransport: define(
    'One transport for each direction; a second one replaces the first.',
    z.object({ direction: z.enum(['send', 'recv']) }),
    z.object({ transportId: id, iceParameters, iceCandidates: z.array(iceCandidate), dtlsParameters }),
  ),
  connectTransport: define(
    'Gives the client’s side of DTLS, once for each transport.',
    z.object({ transportId: id, dtlsParameters }),
    nothing,
  ),
  restartIce: define(
    'After a change of the client’s network.',
    z.object({ transportId: id }),
    z.object({ iceParameters }),
  ),
  produce: define(
    'Sends a stream, four at most. FORBIDDEN for listeners; of somebody muted it starts paused. RATE_LIMITED as `resumeProducer`.',
    z.object({ transportId: id, rtpParameters, paused: z.boolean().default(false) }),
    z.object({ producerId: id }),
  ),
  pauseProducer: define('Forwards nothing of the stream any more.', z.object({ producerId: id }), nothing),
  resumeProducer: define(
    'Forwards it again. MUTED while the mute of a moderator holds; RATE_LIMITED where streams begin or go on more than twice a second for long, as everybody is told of it.',
    z.object({ producerId: id }),
    nothing,
  ),
  closeProducer: define('Ends the stream.', z.object({ producerId: id }), nothing),
  consume: define(
    'Receives a stream of somebody else. It starts paused: no packet is sent before `resumeConsumer`. Asked twice, it answers with the same consumer.',
    z.object({ producerId: id }),
    z.object({
      consumerId: id,
      producerId: id,
      participantId: z.string(),
      rtpParameters,
      producerPaused: z.boolean(),
    }),
  ),
  resumeConsumer: define('Lets packets come.', z.object({ consumerId: id }), nothing),
  leave: define(
    'Leaves the room. The server closes the socket with 1000 after its answer.',
    nothing,
    nothing,
  ),
  ping: define(
    'Does nothing, and is answered at once, also while earlier requests wait: whether the socket is alive.',
    nothing,
    nothing,
  ),
} as const;

export type RequestMethod = keyof typeof REQUESTS;
/** What a handler receives, defaults filled in. */
export type RequestData<M extends RequestMethod> = z.output<(typeof REQUESTS)[M]['data']>;
/** What a client has to send. */
export type RequestInput<M extends RequestMethod> = z.input<(typeof REQUESTS)[M]['data']>;
export type RequestAnswer<M extends RequestMethod> = z.output<(typeof REQUESTS)[M]['answer']>;

export const isRequestMethod = (name: string): name is RequestMethod => Object.hasOwn(REQUESTS, name);

const participantId = z.string();
const ofProducer = { participantId, producerId: id };

/** Notifications: event → data. Sent to sockets that have joined. */
export const NOTIFICATIONS = {
  peerJoined: z
    .object(participantInfo.shape)
    .describe(
      'Somebody joined, or is told of from now on. Who lost their connection and resumes it in time was never away.',
    ),
  peerLeft: z.object({ participantId }).describe('Somebody left, and with them what they sent.'),
  listenerCount: z
    .object({ count: listenerCount })
    .describe(`How many people listen, at most every ${LISTENER_COUNT_MS} ms.`),
  producerOpened: z
    .object({ ...ofProducer, paused: z.boolean() })
    .describe('Somebody began to send, or has to be consumed again: `consume` it.'),
  producerPaused: z.object(ofProducer).describe('A stream pauses; one’s own where a moderator muted it.'),
  producerResumed: z.object(ofProducer).describe('A stream goes on.'),
  producerClosed: z.object(ofProducer).describe('A stream ended, one’s own included.'),
  consumerClosed: z
    .object({ consumerId: id })
    .describe('The consumer is gone on the server: its producer was closed, or a transport.'),
  roleChanged: z.object({ participantId, role: liveRole }).describe('Somebody’s role, one’s own included.'),
  muteChanged: z
    .object({ participantId, muted: z.boolean() })
    .describe('The mute of a moderator began or ended, one’s own included.'),
  connectionChanged: z
    .object({ participantId, quality: connectionQuality })
    .describe(
      'How well somebody who may speak is connected, or oneself, at most every two seconds. LOST while nothing comes from them at all.',
    ),
  activeSpeaker: z
    .object({ participantId: z.string().nullable() })
    .describe('Who holds the floor; null while nobody does.'),
  audioLevels: z
    .object({ levels: z.array(z.object({ participantId, level: z.number() })) })
    .describe(
      `At most five times a second, of the ${MAX_LEVELS} loudest; empty once when all fall silent. \`level\` is 0 (silence) to 1 (full scale), linear in decibels. Who is missing is silent. Left out for clients that are behind.`,
    ),
  rejoin: z
    .object({ routerRtpCapabilities: rtpCapabilities })
    .describe(
      'Transports, producers and consumers are lost (a worker died): drop them, then `join` again on this socket.',
    ),
  move: z
    .object({})
    .describe(
      'The server is about to stop: ask for a new grant and connect with it, which closes this socket with DUPLICATE_IDENTITY. It stays open until then, or for some seconds.',
    ),
  roomClosed: z.object({}).describe('The room has ended. The socket closes right after it.'),
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
