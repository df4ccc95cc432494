import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { Em } from '#platform/database.ts';
import { forbidden, invalid, notFound, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { isId, newId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import type { EventPayload } from '#schema/events.ts';
import {
  insertRoom,
  lockRoom,
  saveBroadcastAudience,
  saveState,
  type LoggedLiveRoom,
} from '../data/live-room.repository.ts';
import { isChatMember } from '../data/neighbour.repository.ts';
import { clearRoom } from '../data/participant.repository.ts';
import {
  acceptLiveRoom,
  alreadyLive,
  end,
  openBroadcastTo,
  start,
  type BroadcastAudience,
  type LiveRoom,
  type LiveRoomInput,
} from '../domain/live-room.ts';
import { stopRecording } from './recording-log.ts';

/** The life of live rooms. Every change answers with the room as it is after it. */
export interface LiveRooms {
  /** `id` is for the demo data. */
  create(viewer: Viewer, input: LiveRoomInput, id?: string): Promise<LoggedLiveRoom>;
  start(viewer: Viewer, id: string): Promise<LoggedLiveRoom>;
  end(viewer: Viewer, id: string): Promise<LoggedLiveRoom>;
  /** What is so already stays so and leaves no event. Media servers ask for it by themselves. */
  openBroadcastTo(viewer: Viewer, id: string, audience: BroadcastAudience): Promise<LoggedLiveRoom>;
}

export function createLiveRooms({ events, now }: { events: Events; now: () => Date }): LiveRooms {
  return {
    create: (viewer, input, id = newId('LiveRoom')) =>
      events.transact(async (tx) => {
        const at = now();
        const plan = acceptLiveRoom(input, at);
        if (plan.chatRoomId !== null) await requireMember(tx.em, plan.chatRoomId, viewer.userId);
        const state = { state: 'SCHEDULED' as const, startedAt: null, endedAt: null };
        const room = { id, hostId: viewer.userId, ...plan, ...state };
        await insertRoom(tx.em, room, at);
        return recordCreated(tx, room);
      }),

    start: (viewer, id) =>
      events
        .transact(async (tx) => {
          const room = start(await requireRoom(tx.em, id, viewer.userId, 'id'), viewer.userId, now());
          await saveState(tx.em, room);
          const { id: liveRoomId, hostId, chatRoomId } = room;
          return record(tx, room, 'liveRoom.started', { liveRoomId, hostId, chatRoomId });
        })
        .catch((error: unknown) => {
          // The unique index decides who is first where a host starts two rooms at once.
          throw error instanceof UniqueConstraintViolationException ? alreadyLive() : error;
        }),

    end: (viewer, id) =>
      events.transact(async (tx) => {
        const found = await requireRoom(tx.em, id, viewer.userId, 'id');
        const room = end(found, viewer.userId, now());
        await stopRecording(tx, found, viewer.userId, now());
        await saveState(tx.em, room);
        await clearRoom(tx.em, id, 'ROOM_ENDED', now());
        return record(tx, room, 'liveRoom.ended', { liveRoomId: id, hostId: room.hostId });
      }),

    openBroadcastTo: (viewer, id, audience) =>
      events.transact(async (tx) => {
        const found = await requireRoom(tx.em, id, viewer.userId, 'liveRoomId');
        const room = openBroadcastTo(found, audience, viewer.userId);
        if (room.broadcastAudience === found.broadcastAudience) return found;
        await saveBroadcastAudience(tx.em, room);
        return record(tx, room, 'liveRoom.broadcastAudienceChanged', { liveRoomId: id, audience });
      }),
  };
}

/** The room, locked until the transaction ends, or a refusal that blames `field`. */
export async function requireRoom(
  em: Em,
  id: string,
  viewerId: string,
  field: string,
): Promise<LoggedLiveRoom> {
  const room = isId('LiveRoom', id) ? await lockRoom(em, id, { viewerId }) : null;
  if (!room) throw noLiveRoom(field, id);
  return room;
}

export const noLiveRoom = (field: string, id: string): Refusal =>
  new Refusal(notFound(field, id, 'There is no such live room.'));

// Otherwise anyone could put their own room into somebody's chat room.
async function requireMember(em: Em, chatRoomId: string, userId: string): Promise<void> {
  if (!isId('Room', chatRoomId))
    throw new Refusal(invalid('input.chatRoomId', 'MALFORMED_ID', 'This is not the id of a chat room.'));
  if (await isChatMember(em, chatRoomId, userId)) return;
  throw new Refusal(forbidden('Only members of the chat room may do this.', null, 'input.chatRoomId'));
}

async function recordCreated(tx: Transaction, room: LiveRoom): Promise<LoggedLiveRoom> {
  const { id: liveRoomId, hostId, scheduledFor, chatRoomId } = room;
  // Titles of rooms in chat rooms stay here: the chat room may be private.
  const shown = chatRoomId === null ? room : { title: '', topic: null };
  const payload = {
    liveRoomId,
    hostId,
    title: shown.title,
    topic: shown.topic,
    scheduledFor: scheduledFor?.toISOString() ?? null,
  };
  await tx.append({
    stream: `live-room:${liveRoomId}`,
    name: 'liveRoom.created',
    payload,
    actorId: hostId,
  });
  return readAgain(tx.em, room);
}

async function record<N extends 'liveRoom.started' | 'liveRoom.ended' | 'liveRoom.broadcastAudienceChanged'>(
  tx: Transaction,
  room: LiveRoom,
  name: N,
  payload: EventPayload<N>,
): Promise<LoggedLiveRoom> {
  await tx.append({ stream: `live-room:${room.id}`, name, payload, actorId: room.hostId });
  return readAgain(tx.em, room);
}

/** The room with the head of its log, inside the transaction that changed it. */
export async function readAgain(em: Em, { id }: { readonly id: string }): Promise<LoggedLiveRoom> {
  return (await lockRoom(em, id, 'platform'))!;
}
