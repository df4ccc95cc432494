import { forbidden, invalid, notFound, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import type { Em } from '#platform/database.ts';
import type { Viewer } from '#platform/viewer.ts';
import { isAnyBlocked } from '../data/block.repository.ts';
import {
  countOwners,
  deleteMember,
  findMembership,
  insertMembers,
  isBanned,
  moveReadMarker,
  saveRole,
} from '../data/member.repository.ts';
import { noteMemberChange } from '../data/room-change.repository.ts';
import { requireLeavable, requireRoleChange, type Membership, type RoomRole } from '../domain/membership.ts';
import { requireSpace, streamOf, type Room } from '../domain/room.ts';
import { lockRoomFor, readRoomFor, requireUserIds } from './room-access.ts';

/** Every change answers with the membership after it; what was so already stays so and leaves no event. */
export interface Members {
  join(viewer: Viewer, roomId: string): Promise<Membership>;
  /** Answers with the id of the room. */
  leave(viewer: Viewer, roomId: string): Promise<string>;
  add(viewer: Viewer, roomId: string, userId: string): Promise<Membership>;
  setRole(viewer: Viewer, roomId: string, userId: string, role: RoomRole): Promise<Membership>;
  markRead(viewer: Viewer, roomId: string, upToSeq: number): Promise<Membership>;
}

export interface MembersDeps {
  readonly events: Events;
  readonly now: () => Date;
}

export function createMembers({ events, now }: MembersDeps): Members {
  return {
    join: (viewer, roomId) =>
      events.transact(async (tx) => {
        const room = await lockRoomFor(tx.em, viewer, roomId, 'VIEW');
        if (room.viewer.membership) return room.viewer.membership;
        if (room.viewer.banned)
          throw new Refusal(forbidden('You were banned from this room.', null, 'roomId'));
        // An empty room has nobody who could run it.
        const role = room.memberCount === 0 ? 'OWNER' : 'MEMBER';
        return enter(tx, room, viewer, viewer.userId, role, now());
      }),

    leave: (viewer, roomId) =>
      events.transact(async (tx) => {
        const room = await lockRoomFor(tx.em, viewer, roomId, 'VIEW');
        const { membership } = room.viewer;
        if (!membership) throw new Refusal(forbidden('You are not in this room.', null, 'roomId'));
        requireLeavable(membership, await countOwners(tx.em, roomId), room.memberCount);
        await leaveRoom(tx, roomId, viewer.userId);
        return roomId;
      }),

    add: (viewer, roomId, userId) =>
      events.transact(async (tx) => {
        requireUserIds('userId', [userId]);
        const room = await lockRoomFor(tx.em, viewer, roomId, 'ADD_MEMBER');
        const present = await findMembership(tx.em, roomId, userId);
        if (present) return present;
        await requireAddable(tx.em, room, viewer, userId);
        return enter(tx, room, viewer, userId, 'MEMBER', now());
      }),

    setRole: (viewer, roomId, userId, role) =>
      events.transact((tx) => setRole(tx, viewer, roomId, userId, role)),

    markRead: (viewer, roomId, upToSeq) => events.transact((tx) => markRead(tx, viewer, roomId, upToSeq)),
  };
}

async function requireAddable(em: Em, room: Room, viewer: Viewer, userId: string): Promise<void> {
  requireSpace(room);
  if (await isBanned(em, room.id, userId))
    throw new Refusal(forbidden('This person is banned from the room.', 'BAN', 'userId'));
  if (await isAnyBlocked(em, viewer.userId, [userId]))
    throw new Refusal(forbidden('One of you has blocked the other.', null, 'userId'));
}

async function enter(
  { em, append }: Transaction,
  { id: roomId }: Room,
  actor: Viewer,
  userId: string,
  role: RoomRole,
  now: Date,
): Promise<Membership> {
  await insertMembers(em, roomId, [{ userId, role }], now);
  const payload = { roomId, userId, role };
  await append({ stream: streamOf(roomId), name: 'room.memberJoined', payload, actorId: actor.userId });
  return requireMembership(em, roomId, userId);
}

async function leaveRoom({ em, append }: Transaction, roomId: string, userId: string): Promise<void> {
  await deleteMember(em, roomId, userId);
  const payload = { roomId, userId, change: 'LEFT' as const };
  await append({ stream: streamOf(roomId), name: 'room.memberLeft', payload, actorId: userId });
}

async function setRole(
  { em, append }: Transaction,
  viewer: Viewer,
  roomId: string,
  userId: string,
  role: RoomRole,
): Promise<Membership> {
  const room = await lockRoomFor(em, viewer, roomId, 'MANAGE_ROLES');
  const target = await requireMembership(em, roomId, userId);
  const actor = room.viewer.membership?.role ?? 'MEMBER';
  requireRoleChange(actor, target, role, await countOwners(em, roomId));
  if (target.role === role) return target;
  await saveRole(em, roomId, userId, role);
  const payload = { roomId, userId, role };
  await append({
    stream: streamOf(roomId),
    name: 'room.memberRoleChanged',
    payload,
    actorId: viewer.userId,
  });
  return { ...target, role };
}

async function markRead(
  { em, append }: Transaction,
  viewer: Viewer,
  roomId: string,
  upToSeq: number,
): Promise<Membership> {
  if (upToSeq < 0) throw new Refusal(invalid('upToSeq', 'OUT_OF_RANGE', 'This must not be negative.'));
  const { kind, viewer: standing } = await readRoomFor(em, viewer, roomId, 'VIEW');
  if (!standing.membership) throw new Refusal(forbidden('Only members can do this.', null, 'roomId'));
  const lastReadSeq = await moveReadMarker(em, roomId, viewer.userId, upToSeq);
  if (lastReadSeq === null) return standing.membership;
  const payload = { roomId, userId: viewer.userId, lastReadSeq };
  // In a channel with a thousand readers every message would be followed by a thousand such events.
  if (kind === 'CHANNEL') await noteMemberChange(em, roomId, viewer.userId);
  else
    await append({
      stream: streamOf(roomId),
      name: 'room.readMarkerMoved',
      payload,
      actorId: viewer.userId,
    });
  return requireMembership(em, roomId, viewer.userId);
}

/** The membership, or a refusal that blames `userId`. */
export async function requireMembership(em: Em, roomId: string, userId: string): Promise<Membership> {
  const membership = await findMembership(em, roomId, userId);
  if (!membership) throw new Refusal(notFound('userId', userId, 'This person is not in the room.'));
  return membership;
}
