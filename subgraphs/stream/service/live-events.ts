import type { Database } from '#platform/database.ts';
import { forbidden, Refusal } from '#platform/errors.ts';
import { coalesce } from '#platform/events/coalesce.ts';
import { decodeCursor, encodeCursor, type Cursor } from '#platform/events/cursor.ts';
import { openMessage } from '#platform/events/envelope.ts';
import type { Events } from '#platform/events/events.ts';
import { endedStream, LiveStream, type Step } from '#platform/events/live-stream.ts';
import type { AnyEvent, LiveBus } from '#platform/events/ports.ts';
import { whileEntitled, type LiveRight } from '#platform/events/rights.ts';
import type { TailItem } from '#platform/events/tail.ts';
import type { ResyncReason } from '#platform/events/tail-window.ts';
import { polledCursor } from '#platform/events/tail-poll.ts';
import { isId } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import type { Listening } from '#platform/polling/poll.ts';
import type { ConnectionsReport, SpeakersReport } from '#schema/media-bus.ts';
import { findVisibleRooms, type LoggedLiveRoom } from '../data/live-room.repository.ts';
import type { BroadcastAudience, LiveRoom, LiveState } from '../domain/live-room.ts';
import { LEAVE_REASONS, type LeaveReason } from '../domain/participant.ts';
import type { RecordingState } from '../domain/recording.ts';
import { audienceMessage, audienceTopic } from './audience.ts';
import type { ReactionsReport } from './live-reactions.ts';
import { CONNECTIONS, REACTIONS, reportOf, SPEAKERS, type Reports } from './live-reports.ts';
import { noLiveRoom } from './live-rooms.ts';
import type { InvitationState } from './participation.ts';

interface Position {
  readonly cursor: string;
  readonly seq: number;
  readonly at: Date;
}

export interface StateEvent extends Position {
  readonly __typename: 'LiveStateChanged';
  readonly state: LiveState;
}
/** The participant is loaded when the event is answered, so that it is shown as it is then. */
export interface ParticipantEvent extends Position {
  readonly __typename: 'ParticipantJoined' | 'ParticipantChanged';
  readonly participantId: string;
}
export interface LeftEvent extends Position {
  readonly __typename: 'ParticipantLeft';
  readonly participantId: string;
  readonly leaveReason: LeaveReason;
}
export interface UnbannedEvent extends Position {
  readonly __typename: 'ParticipantUnbanned';
  readonly participantId: string;
}
export interface HandEvent extends Position {
  readonly __typename: 'HandChanged';
  readonly participantId: string;
  readonly raised: boolean;
}
export interface ListenersEvent extends Position {
  readonly __typename: 'ListenersChanged';
  readonly listenerCount: number;
}
export interface AudienceEvent extends Position {
  readonly __typename: 'BroadcastAudienceChanged';
  readonly audience: BroadcastAudience;
}
/** The recording is loaded when the event is answered. */
export interface RecordingEvent extends Position {
  readonly __typename: 'RecordingChanged';
  readonly recordingId: string;
  readonly state: RecordingState;
}
export interface InvitationEvent extends Position {
  readonly __typename: 'InvitationChanged';
  readonly participantId: string;
  readonly state: InvitationState;
}
export interface ResyncEvent extends Position {
  readonly __typename: 'LiveResyncRequired';
  readonly reason: ResyncReason;
}
export type LiveEvent =
  | StateEvent
  | ParticipantEvent
  | LeftEvent
  | UnbannedEvent
  | ListenersEvent
  | HandEvent
  | InvitationEvent
  | RecordingEvent
  | AudienceEvent
  | ResyncEvent;

/**
 * What can be followed in a live room. Each resolves once it is live, is complete when the room is over, and ends with a Refusal when the viewer may
 * no longer see it.
 */
export interface LiveFeeds {
  events(
    viewerId: string | null,
    id: string,
    after: string | null,
    listening: Listening,
  ): Promise<AsyncIterableIterator<LiveEvent>>;
  speakers(
    viewerId: string | null,
    id: string,
    listening: Listening,
  ): Promise<AsyncIterableIterator<SpeakersReport>>;
  connections(
    viewerId: string | null,
    id: string,
    listening: Listening,
  ): Promise<AsyncIterableIterator<ConnectionsReport>>;
  reactions(
    viewerId: string | null,
    id: string,
    listening: Listening,
  ): Promise<AsyncIterableIterator<ReactionsReport>>;
}

export interface LiveFeedsDeps {
  readonly database: Database;
  readonly events: Events;
  readonly liveBus: LiveBus;
  readonly log: Log;
  readonly now: () => Date;
}

/** Rooms as a viewer sees them. */
function createSight(database: Database) {
  const find = async (viewerId: string | null, id: string): Promise<LoggedLiveRoom | null> => {
    const rooms = isId('LiveRoom', id) ? await findVisibleRooms(database.fork(), viewerId, [id]) : [];
    return rooms[0] ?? null;
  };
  return {
    async require(viewerId: string | null, id: string) {
      const room = await find(viewerId, id);
      if (!room) throw noLiveRoom('liveRoomId', id);
      return room;
    },
    /** The room, for whom could see it before: the refusal says why that is over. */
    async requireStill(viewerId: string | null, id: string) {
      const room = await find(viewerId, id);
      if (!room) throw new Refusal(forbidden(HIDDEN, null, 'liveRoomId'));
      return room;
    },
  };
}

export function createLiveFeeds(deps: LiveFeedsDeps): LiveFeeds {
  const { require, requireStill } = createSight(deps.database);
  const follow = async <T extends { readonly liveRoomId: string }>(
    { topic, schema, rate }: Reports<T>,
    viewerId: string | null,
    id: string,
    { signal, poll }: Listening,
  ) => {
    const room = await (poll?.continues ? requireStill : require)(viewerId, id);
    const check = async () => (await requireStill(viewerId, id)).state !== 'ENDED';
    const { topics, concerns } = audienceOf(room, viewerId);
    const right: LiveRight = {
      check,
      topics: [streamOf(id), ...topics],
      concerns: (message) => openMessage(message)?.name === 'liveRoom.ended' || concerns(message),
    };
    const open = async () => {
      const source = poll ? poll.listen([topic(id)]) : await deps.liveBus.subscribe(topic(id));
      const step = (message: unknown) => reportOf(schema, message, id);
      return coalesce(new LiveStream({ source, step, signal }), rate, poll);
    };
    return whileEntitled(right, open, { ...deps, signal, poll });
  };

  return {
    async events(viewerId, id, after, listening) {
      const { signal, poll } = listening;
      const given = after === null ? null : decodeCursor(after);
      const cursor = poll ? polledCursor(poll, given) : given;
      const room = await (poll?.continues ? requireStill : require)(viewerId, id);
      if (isBehindEnd(room, cursor)) return endedStream(poll);
      const check = async () => (await requireStill(viewerId, id)) !== null;
      const open = async () => {
        const source = await deps.events.tail(streamOf(id), cursor, listening);
        const step = (item: TailItem) => stepOf(item, deps.now);
        return new LiveStream({ source, step, signal });
      };
      return whileEntitled({ check, ...audienceOf(room, viewerId) }, open, { ...deps, signal, poll });
    },

    speakers: (viewerId, id, listening) => follow(SPEAKERS, viewerId, id, listening),
    connections: (viewerId, id, listening) => follow(CONNECTIONS, viewerId, id, listening),
    reactions: (viewerId, id, listening) => follow(REACTIONS, viewerId, id, listening),
  };
}

const HIDDEN = 'This live room is for the members of its chat room only.';
const streamOf = (liveRoomId: string) => `live-room:${liveRoomId}`;

/** Where it is told who may see a room. Of one that goes with no chat room that never changes. */
function audienceOf({ chatRoomId }: LiveRoom, viewerId: string | null) {
  return {
    topics: chatRoomId === null ? [] : [audienceTopic(chatRoomId)],
    concerns: (message: unknown) => {
      const { success, data } = audienceMessage.safeParse(message);
      return success && (data.userId === null || data.userId === viewerId);
    },
  };
}

function isBehindEnd({ state, logEpoch, logSeq }: LoggedLiveRoom, cursor: Cursor | null): boolean {
  if (state !== 'ENDED') return false;
  return cursor === null || (cursor.epoch === logEpoch && cursor.seq >= logSeq);
}

function stepOf(item: TailItem, now: () => Date): Step<LiveEvent> {
  const cursor = encodeCursor(item.cursor);
  if (item.kind === 'resync') {
    const position = { cursor, seq: item.cursor.seq, at: now() };
    return { emit: { __typename: 'LiveResyncRequired', ...position, reason: item.reason } };
  }
  const { event } = item;
  const emit = liveEventOf(event, { cursor, seq: event.seq, at: new Date(event.at) });
  return emit ? { emit, last: event.name === 'liveRoom.ended' } : {};
}

/** Every event of a live room's stream has its counterpart; null is for events of versions to come. */
function liveEventOf(event: AnyEvent, position: Position): LiveEvent | null {
  switch (event.name) {
    case 'liveRoom.created':
      return { __typename: 'LiveStateChanged', ...position, state: 'SCHEDULED' };
    case 'liveRoom.started':
      return { __typename: 'LiveStateChanged', ...position, state: 'LIVE' };
    case 'liveRoom.ended':
      return { __typename: 'LiveStateChanged', ...position, state: 'ENDED' };
    case 'liveRoom.participantJoined':
      return { __typename: 'ParticipantJoined', ...position, participantId: event.payload.participantId };
    case 'liveRoom.participantChanged':
      return { __typename: 'ParticipantChanged', ...position, participantId: event.payload.participantId };
    case 'liveRoom.participantLeft': {
      const { participantId, reason } = event.payload;
      const leaveReason = leaveReasonOf(reason);
      return { __typename: 'ParticipantLeft', ...position, participantId, leaveReason };
    }
    case 'liveRoom.participantUnbanned':
      return { __typename: 'ParticipantUnbanned', ...position, participantId: event.payload.participantId };
    case 'liveRoom.listenersChanged':
      return { __typename: 'ListenersChanged', ...position, listenerCount: event.payload.listeners };
    case 'liveRoom.invitationChanged': {
      const { participantId, state } = event.payload;
      return { __typename: 'InvitationChanged', ...position, participantId, state };
    }
    case 'liveRoom.handChanged': {
      const { participantId, raised } = event.payload;
      return { __typename: 'HandChanged', ...position, participantId, raised };
    }
    case 'liveRoom.broadcastAudienceChanged':
      return { __typename: 'BroadcastAudienceChanged', ...position, audience: event.payload.audience };
    case 'liveRoom.recordingChanged': {
      const { recordingId, state } = event.payload;
      return { __typename: 'RecordingChanged', ...position, recordingId, state };
    }
    default:
      return null;
  }
}

const leaveReasonOf = (reason: string): LeaveReason =>
  LEAVE_REASONS.find((known) => known === reason) ?? 'CONNECTION_LOST';
