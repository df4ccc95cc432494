import { forbidden, Refusal } from '#platform/errors.ts';
import type { RoomRole } from './membership.ts';
import { isVisible, type Room } from './room.ts';

/** In the order of the schema. */
const ROOM_PERMISSIONS = [
  'VIEW',
  'SEND',
  'REACT',
  'EDIT_OWN',
  'DELETE_OWN',
  'DELETE_ANY',
  'ADD_MEMBER',
  'KICK',
  'BAN',
  'MANAGE_ROOM',
  'MANAGE_ROLES',
  'BYPASS_SLOW_MODE',
] as const;
export type RoomPermission = (typeof ROOM_PERMISSIONS)[number];

const MEMBER: readonly RoomPermission[] = ['SEND', 'REACT', 'EDIT_OWN', 'DELETE_OWN'];
const MODERATOR: readonly RoomPermission[] = [
  ...MEMBER,
  'DELETE_ANY',
  'ADD_MEMBER',
  'KICK',
  'BAN',
  'BYPASS_SLOW_MODE',
];
const ADMIN: readonly RoomPermission[] = [...MODERATOR, 'MANAGE_ROOM', 'MANAGE_ROLES'];

const BY_ROLE: Readonly<Record<RoomRole, readonly RoomPermission[]>> = {
  OWNER: ADMIN,
  ADMIN,
  MODERATOR,
  MEMBER,
};

const PLATFORM_MODERATORS = ['MODERATOR', 'ADMIN'];

/**
 * What the caller may do in a room. `platformRoles` are the caller's roles on the platform: its moderators remove messages wherever they can
 * read, and read no private room for that.
 */
export function permissionsOf(room: Room, platformRoles: readonly string[]): readonly RoomPermission[] {
  if (!isVisible(room)) return [];
  const held = new Set<RoomPermission>(['VIEW', ...rolePermissions(room)]);
  if (platformRoles.some((role) => PLATFORM_MODERATORS.includes(role))) held.add('DELETE_ANY');
  return ROOM_PERMISSIONS.filter((permission) => held.has(permission));
}

function rolePermissions({ kind, viewer }: Room): readonly RoomPermission[] {
  const { membership, blocked } = viewer;
  if (!membership) return [];
  // What was written before the block can still be taken back.
  if (blocked) return ['DELETE_OWN'];
  const permissions = BY_ROLE[membership.role];
  return kind === 'GROUP' ? [...permissions, 'ADD_MEMBER'] : permissions;
}

/** Refuses with the reason that helps: blocked, not a member, or a role that is too low. */
export function requirePermission(
  room: Room,
  platformRoles: readonly string[],
  permission: RoomPermission,
): void {
  if (permissionsOf(room, platformRoles).includes(permission)) return;
  throw new Refusal(forbidden(reasonAgainst(room), permission));
}

function reasonAgainst({ viewer }: Room): string {
  if (viewer.blocked) return BLOCKED;
  if (viewer.banned) return BANNED;
  return viewer.membership ? 'Your role in this room does not allow this.' : 'Only members can do this.';
}

const BLOCKED = 'One of you has blocked the other.';
const BANNED = 'You were banned from this room.';

/**
 * What it takes to be told of what happens in a room as it happens. Refuses with the reason, also to those who could see the room before: they
 * are to know why they hear no more of it. What was written stays readable after a block.
 */
export function requireFollowable(room: Room): void {
  const { viewer } = room;
  if (viewer.blocked) throw new Refusal(forbidden(BLOCKED, 'VIEW', 'roomId'));
  if (isVisible(room)) return;
  const reason = viewer.banned ? BANNED : 'This room is for its members only.';
  throw new Refusal(forbidden(reason, 'VIEW', 'roomId'));
}
