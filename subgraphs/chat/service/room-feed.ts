import type { Database } from '#platform/database.ts';
import { CodedError, refuseIfAny } from '#platform/errors.ts';
import { decodeCursor, encodeCursor, type Cursor } from '#platform/events/cursor.ts';
import type { Events } from '#platform/events/events.ts';
import { LiveStream, type Step } from '#platform/events/live-stream.ts';
import type { AnyEvent, LiveBus } from '#platform/events/ports.ts';
import { lossOf, whileEntitled } from '#platform/events/rights.ts';
import type { TailItem } from '#platform/events/tail.ts';
import { resyncReason, type ResyncReason } from '#platform/events/tail-window.ts';
import type { Log } from '#platform/log.ts';
import type { Listening } from '#platform/polling/poll.ts';
import { checkRange } from '#platform/rules.ts';
import type { Viewer } from '#platform/viewer.ts';
import type { MembershipEvent, RoomEvent } from '../domain/room-event.ts';
import { streamOf } from '../domain/room.ts';
import { blocksTopic } from './live-topics.ts';
import type { PresenceKeeper } from './presence-keeper.ts';
import { readFollowedRoom, readRoomFor } from './room-access.ts';

export interface RoomEventPage {
  readonly events: RoomEvent[];
  readonly endCursor: string;
  readonly hasMore: boolean;
}

export interface RoomFeed {
  /**
   * Resolves once it is live. It ends with a Refusal, behind the event that led to it: when the viewer loses sight of the room, or one of the two
   * in a direct room blocks the other.
   */
  follow(
    viewer: Viewer | null,
    roomId: string,
    after: string | null | undefined,
    listening: Listening,
  ): Promise<AsyncIterable<RoomEvent>>;
  /** The room must be visible to whoever asks. */
  page(roomId: string, after: string, first: number | null | undefined): Promise<RoomEventPage>;
}

export interface RoomFeedDeps {
  readonly database: Database;
  readonly events: Events;
  readonly liveBus: LiveBus;
  readonly log: Log;
  readonly keeper: PresenceKeeper;
  readonly now: () => Date;
}

const MAX_EVENTS = 500;
const DEFAULT_EVENTS = 100;

export function createRoomFeed(deps: RoomFeedDeps): RoomFeed {
  const { database, events, keeper, now } = deps;
  return {
    async follow(viewer, roomId, after, listening) {
      const { signal, poll } = listening;
      const cursor = after == null ? null : decodeCursor(after);
      // Whoever cannot see the room must not learn that there is one; whoever could is told why that is over.
      const room = poll?.continues ? null : await readRoomFor(database.fork(), viewer, roomId, 'VIEW');
      const check = async () => (await readFollowedRoom(database.fork(), viewer, roomId)) !== null;
      const step = async (item: TailItem): Promise<Step<RoomEvent>> => ({
        emit: toRoomEvent(item, now),
        failure: mayHide(item, viewer) ? await lossOf(check) : null,
      });
      const open = async () => {
        const source = await events.tail(streamOf(roomId), cursor, listening);
        const release = viewer ? await keeper.hold(viewer.userId, poll) : () => undefined;
        return new LiveStream({ source, step, release, signal });
      };
      // All else that takes the right away stands in the room's own log.
      const minded = poll !== null || room?.kind === 'DIRECT';
      const topics = viewer && minded ? [blocksTopic(viewer.userId)] : [];
      return whileEntitled({ check, topics }, open, { ...deps, signal, poll });
    },

    async page(roomId, after, first) {
      const limit = first ?? DEFAULT_EVENTS;
      refuseIfAny(checkRange('first', limit, 1, MAX_EVENTS));
      const cursor = decodeCursor(after);
      const head = await events.head(streamOf(roomId));
      const reason = resyncReason(cursor, head);
      const newest = { epoch: head.epoch, seq: head.lastSeq };
      if (reason !== null) {
        const resync = toResync(reason, newest, now());
        return { events: [resync], endCursor: resync.cursor, hasMore: false };
      }
      const found = await events.read(streamOf(roomId), { afterSeq: cursor.seq, limit });
      const last = { epoch: head.epoch, seq: found.at(-1)?.seq ?? cursor.seq };
      return {
        events: found.map((event) => describe(event, { epoch: head.epoch, seq: event.seq })),
        endCursor: encodeCursor(last),
        hasMore: last.seq < head.lastSeq,
      };
    },
  };
}

/** Events after which the viewer may no longer see the room. Replayed ones may be long undone, so the present decides. */
function mayHide(item: TailItem, viewer: Viewer | null): boolean {
  if (item.kind === 'resync') return true;
  const { event } = item;
  if (event.name === 'room.updated') return event.payload.visibility === 'PRIVATE';
  return event.name === 'room.memberLeft' && event.payload.userId === viewer?.userId;
}

const toRoomEvent = (item: TailItem, now: () => Date): RoomEvent =>
  item.kind === 'resync' ? toResync(item.reason, item.cursor, now()) : describe(item.event, item.cursor);

const toResync = (reason: ResyncReason, position: Cursor, at: Date): RoomEvent => ({
  __typename: 'ResyncRequired',
  cursor: encodeCursor(position),
  seq: position.seq,
  at,
  reason,
});

function describe(event: AnyEvent, position: Cursor): RoomEvent {
  const entry = { cursor: encodeCursor(position), seq: event.seq, at: new Date(event.at) };
  switch (event.name) {
    case 'room.created':
      return { __typename: 'RoomCreated', ...entry, roomId: event.payload.roomId };
    case 'room.updated':
      return { __typename: 'RoomUpdated', ...entry, roomId: event.payload.roomId };
    case 'message.created':
      return { __typename: 'MessageCreated', ...entry, messageId: event.payload.messageId };
    case 'message.edited':
      return { __typename: 'MessageEdited', ...entry, messageId: event.payload.messageId };
    case 'message.deleted':
      return { __typename: 'MessageDeleted', ...entry, ...event.payload };
    case 'message.reactionChanged':
      return { __typename: 'ReactionChanged', ...entry, ...event.payload };
    case 'room.readMarkerMoved':
      return { __typename: 'ReadMarkerMoved', ...entry, ...event.payload };
    default:
      return describeMembership(event, entry);
  }
}

function describeMembership(
  event: AnyEvent,
  entry: Pick<RoomEvent, 'cursor' | 'seq' | 'at'>,
): MembershipEvent {
  const changed = { __typename: 'MembershipChanged' as const, ...entry };
  switch (event.name) {
    case 'room.memberJoined':
      return { ...changed, userId: event.payload.userId, change: 'JOINED', role: event.payload.role };
    case 'room.memberLeft':
      return { ...changed, userId: event.payload.userId, change: event.payload.change, role: null };
    case 'room.memberUnbanned':
      return { ...changed, userId: event.payload.userId, change: 'UNBANNED', role: null };
    case 'room.memberRoleChanged':
      return { ...changed, userId: event.payload.userId, change: 'ROLE_CHANGED', role: event.payload.role };
    default:
      throw new CodedError('INTERNAL_SERVER_ERROR', `${event.name} does not belong in a room's log.`);
  }
}
