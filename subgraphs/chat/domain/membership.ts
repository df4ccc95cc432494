import { conflict, forbidden, Refusal } from '#platform/errors.ts';
import type { RoomKind } from './room.ts';

/** From most to least rights. */
export const ROOM_ROLES = ['OWNER', 'ADMIN', 'MODERATOR', 'MEMBER'] as const;
export type RoomRole = (typeof ROOM_ROLES)[number];

/** Someone in a room, with what of the room is needed to read the membership. */
export interface Membership {
  readonly roomId: string;
  readonly userId: string;
  readonly role: RoomRole;
  readonly joinedAt: Date;
  /** `seq` of the newest message this person has read. */
  readonly lastReadSeq: number;
  /** When this person last wrote in the room. */
  readonly lastSentAt: Date | null;
  readonly roomKind: RoomKind;
  readonly roomLastSeq: number;
}

/** Someone who is kept out of a room. */
export interface Ban {
  readonly userId: string;
  readonly bannedById: string;
  readonly createdAt: Date;
}

const outranks = (role: RoomRole, other: RoomRole) => ROOM_ROLES.indexOf(role) < ROOM_ROLES.indexOf(other);

/** People act on members of a lower role only. */
export function requireLowerRole(actor: RoomRole, target: RoomRole): void {
  if (!outranks(actor, target))
    throw new Refusal(forbidden('This member’s role is not below yours.', null, 'userId'));
}

/** Admins give and take roles below their own, owners any; the last owner stays one. */
export function requireRoleChange(
  actor: RoomRole,
  target: Membership,
  role: RoomRole,
  ownerCount: number,
): void {
  const allowed = actor === 'OWNER' || (outranks(actor, target.role) && outranks(actor, role));
  if (!allowed) throw new Refusal(forbidden('Only an owner can do this.', null, 'role'));
  if (target.role === 'OWNER' && role !== 'OWNER' && ownerCount === 1)
    throw new Refusal(conflict('A room needs an owner.', null, 'role'));
}

/** The last owner stays until someone else is one, or until nobody else is there. */
export function requireLeavable(membership: Membership, ownerCount: number, memberCount: number): void {
  if (membership.roomKind === 'DIRECT')
    throw new Refusal(forbidden('A direct room cannot be left.', null, 'roomId'));
  if (membership.role === 'OWNER' && ownerCount === 1 && memberCount > 1)
    throw new Refusal(conflict('Make someone else an owner first.', null, 'roomId'));
}

/** Whether `viewerId` may know how far the member has read: one's own everywhere, others' where there are read receipts. */
export const showsReadMarker = (membership: Membership, viewerId: string | null): boolean =>
  membership.userId === viewerId || membership.roomKind !== 'CHANNEL';

/** How many messages of the room the member has not read. */
export const unreadCount = ({ roomLastSeq, lastReadSeq }: Membership): number =>
  Math.max(0, roomLastSeq - lastReadSeq);
