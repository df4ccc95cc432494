import { encodeCursor } from '#platform/events/cursor.ts';
import { showsReadMarker, unreadCount } from '../domain/membership.ts';
import { permissionsOf } from '../domain/permissions.ts';
import type { RoomBanResolvers, RoomMembershipResolvers, RoomResolvers } from '../generated/resolvers.ts';

export const Room: RoomResolvers = {
  __resolveReference: ({ id }, { directory }) => directory.room(id),
  creator: ({ creatorId }) => ({ id: creatorId }),
  eventCursor: ({ position }) => encodeCursor(position),
  members: ({ id }, args, { directory }) => directory.members(id, args),
  bannedUsers: (room, args, { directory, viewer }) =>
    permissionsOf(room, viewer?.roles ?? []).includes('BAN') ? directory.bans(room.id, args) : null,
  messages: ({ id }, args, { directory }) => directory.messages(id, args),
  events: ({ id }, { after, first }, { roomFeed }) => roomFeed.page(id, after, first),
  viewerMembership: ({ viewer }) => viewer.membership,
  viewerPermissions: (room, _args, { viewer }) => [...permissionsOf(room, viewer?.roles ?? [])],
};

export const RoomMembership: RoomMembershipResolvers = {
  room: ({ roomId }, _args, { directory }) => directory.room(roomId),
  user: ({ userId }) => ({ id: userId }),
  lastReadSeq: (membership, _args, { viewer }) =>
    showsReadMarker(membership, viewer?.userId ?? null) ? membership.lastReadSeq : null,
  unreadCount: (membership, _args, { viewer }) =>
    membership.userId === viewer?.userId ? unreadCount(membership) : null,
};

export const RoomBan: RoomBanResolvers = {
  user: ({ userId }) => ({ id: userId }),
  bannedBy: ({ bannedById }) => ({ id: bannedById }),
};
