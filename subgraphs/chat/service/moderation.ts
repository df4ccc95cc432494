import { invalid, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import type { Viewer } from '#platform/viewer.ts';
import { deleteBan, deleteMember, findMembership, insertBan } from '../data/member.repository.ts';
import { requireLowerRole, type Membership } from '../domain/membership.ts';
import { streamOf, type Room } from '../domain/room.ts';
import { requireMembership } from './members.ts';
import { lockRoomFor, requireUserIds } from './room-access.ts';

/** Each answers with the id of the room. What was so already stays so and leaves no event. */
export interface Moderation {
  kick(viewer: Viewer, roomId: string, userId: string): Promise<string>;
  ban(viewer: Viewer, roomId: string, userId: string): Promise<string>;
  unban(viewer: Viewer, roomId: string, userId: string): Promise<string>;
}

export interface ModerationDeps {
  readonly events: Events;
  readonly now: () => Date;
}

export function createModeration({ events, now }: ModerationDeps): Moderation {
  return {
    kick: (viewer, roomId, userId) =>
      events.transact(async (tx) => {
        const room = await lockRoomFor(tx.em, viewer, roomId, 'KICK');
        requireActor(room, await requireMembership(tx.em, roomId, userId));
        await deleteMember(tx.em, roomId, userId);
        await recordRemoval(tx, viewer, roomId, userId, 'KICKED');
        return roomId;
      }),

    ban: (viewer, roomId, userId) =>
      events.transact(async (tx) => {
        requireUserIds('userId', [userId]);
        const room = await lockRoomFor(tx.em, viewer, roomId, 'BAN');
        if (userId === viewer.userId)
          throw new Refusal(invalid('userId', 'SELF', 'This cannot be done to yourself.'));
        const target = await findMembership(tx.em, roomId, userId);
        if (target) requireActor(room, target);
        if (!(await insertBan(tx.em, roomId, userId, viewer.userId, now()))) return roomId;
        await deleteMember(tx.em, roomId, userId);
        await recordRemoval(tx, viewer, roomId, userId, 'BANNED');
        return roomId;
      }),

    unban: (viewer, roomId, userId) =>
      events.transact(async ({ em, append }) => {
        await lockRoomFor(em, viewer, roomId, 'BAN');
        if (!(await deleteBan(em, roomId, userId))) return roomId;
        const payload = { roomId, userId };
        await append({
          stream: streamOf(roomId),
          name: 'room.memberUnbanned',
          payload,
          actorId: viewer.userId,
        });
        return roomId;
      }),
  };
}

function requireActor({ viewer }: Room, target: Membership): void {
  requireLowerRole(viewer.membership?.role ?? 'MEMBER', target.role);
}

async function recordRemoval(
  { append }: Transaction,
  actor: Viewer,
  roomId: string,
  userId: string,
  change: 'KICKED' | 'BANNED',
): Promise<void> {
  const payload = { roomId, userId, change };
  await append({ stream: streamOf(roomId), name: 'room.memberLeft', payload, actorId: actor.userId });
}
