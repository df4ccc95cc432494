import type { Em } from '#platform/database.ts';
import { notFound, Refusal } from '#platform/errors.ts';
import { isId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import { findMessageIn, findRoomIdsOfMessages } from '../data/message.repository.ts';
import { findRooms, lockRoom } from '../data/room.repository.ts';
import type { Message } from '../domain/message.ts';
import { requireFollowable, requirePermission, type RoomPermission } from '../domain/permissions.ts';
import { isVisible, type Room } from '../domain/room.ts';

/** The locked room, where the viewer may do this in it. A room that the viewer cannot see does not exist; `field` is blamed. */
export async function lockRoomFor(
  em: Em,
  viewer: Viewer,
  roomId: string,
  permission: RoomPermission,
  field = 'roomId',
): Promise<Room> {
  const room = isId('Room', roomId) ? await lockRoom(em, viewer.userId, roomId) : null;
  return requireRoom(room, viewer, roomId, permission, field);
}

/** A message and its locked room, where the viewer can see them. */
export async function lockRoomOfMessage(
  em: Em,
  viewer: Viewer,
  messageId: string,
): Promise<{ readonly room: Room; readonly message: Message }> {
  const roomId = isId('Message', messageId)
    ? (await findRoomIdsOfMessages(em, [messageId])).get(messageId)
    : undefined;
  const room = roomId === undefined ? null : await lockRoom(em, viewer.userId, roomId);
  const message = room && isVisible(room) ? await findMessageIn(em, room.id, messageId) : null;
  if (!room || !message) throw new Refusal(notFound('messageId', messageId, 'There is no such message.'));
  return { room, message };
}

/** As lockRoomFor, without the lock: for what changes nothing that others see. */
export async function readRoomFor(
  em: Em,
  viewer: Viewer | null,
  roomId: string,
  permission: RoomPermission,
): Promise<Room> {
  const [room] = isId('Room', roomId) ? await findRooms(em, viewer?.userId ?? null, [roomId]) : [];
  return requireRoom(room ?? null, viewer, roomId, permission, 'roomId');
}

/** The room, where the viewer may (still) be told of what happens in it; the refusal says why not. */
export async function readFollowedRoom(em: Em, viewer: Viewer | null, roomId: string): Promise<Room> {
  const [room] = await findRooms(em, viewer?.userId ?? null, [roomId]);
  if (!room) throw new Refusal(notFound('roomId', roomId, 'There is no such room.'));
  requireFollowable(room);
  return room;
}

/** The room as it was read, where the viewer may do this in it; the refusals of lockRoomFor. */
export function requireRoom(
  room: Room | null,
  viewer: Viewer | null,
  roomId: string,
  permission: RoomPermission,
  field: string,
): Room {
  if (!room || !isVisible(room)) throw new Refusal(notFound(field, roomId, 'There is no such room.'));
  requirePermission(room, viewer?.roles ?? [], permission);
  return room;
}

/** Refuses malformed ids of people; whether an account belongs to one, the user subgraph knows. */
export function requireUserIds(field: string, userIds: readonly string[]): void {
  const malformed = userIds.find((id) => !isId('User', id));
  if (malformed !== undefined) throw new Refusal(notFound(field, malformed, 'There is no such user.'));
}
