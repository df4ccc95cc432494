import type { CloseReason, SignallingErrorCode } from './signalling.ts';

/** What each reason of a close frame means. */
export const CLOSE_MEANINGS: Readonly<Record<CloseReason, string>> = {
  FRAME_TOO_LARGE: 'A frame was too large.',
  BAD_FRAME: 'A frame was binary, no JSON, or no request.',
  GRANT_INVALID: 'The grant is forged, malformed or for something else.',
  REMOVED: 'A moderator removed or banned the participant.',
  VERSION_UNSUPPORTED: 'The client speaks another version of this protocol; it has to be updated.',
  AUTHENTICATION_TIMEOUT: 'No grant was shown in time.',
  DUPLICATE_IDENTITY: 'The same participant has connected elsewhere: the newest connection counts.',
  ROOM_ENDED: 'The room has ended.',
  GRANT_EXPIRED: 'The grant is older than a minute.',
  GRANT_USED: 'The grant has let a socket in before: each does so once.',
  ROOM_FULL: 'As many people are in the room as fit in, or as the server takes into one.',
  RATE_LIMITED:
    'Too many requests were refused or wait for their answer, the client does not read, or it sends more than audio can be (3 Mbit/s).',
  INTERNAL: 'A fault of the media server.',
  SERVER_SHUTDOWN: 'The media server is being stopped.',
  MEDIA_UNAVAILABLE: 'The media server has no media worker now.',
  HEARTBEAT_LOST: 'The client did not answer a ping in time.',
};

/** What each code of a refused request means. */
export const ERROR_MEANINGS: Readonly<Record<SignallingErrorCode, string>> = {
  BAD_REQUEST: 'The data does not have the shape of the method, or describes something impossible.',
  UNKNOWN_METHOD: 'There is no such method.',
  WRONG_STATE: 'The method needs `authenticate` or `join` first, or comes a second time.',
  FORBIDDEN: 'The role of the participant does not allow it.',
  MUTED: 'A moderator has muted the participant.',
  NOT_FOUND: 'No such transport, producer or consumer of this participant, and no such stream in the room.',
  LIMIT_REACHED: 'The participant has as many of these as it may.',
  SPEAKER_LIMIT: 'As many people send audio as may in this room; its host always may.',
  RATE_LIMITED:
    'Too many requests, or a microphone that goes on and off too fast. `retryAfterMs` says when there is room for the next one.',
  MEDIA_UNAVAILABLE:
    'The room is being moved to another worker: a `rejoin` notification follows. Of `consume`, also: the stream does not come from another server now; `producerOpened` follows once it does.',
  INTERNAL: 'A fault of the media server.',
};
