import type { Context } from '../context.ts';
import { unreadCount } from '../domain/membership.ts';
import type { Room } from '../domain/room.ts';
import type { Resolvers } from '../generated/resolvers.ts';

interface OfRoom {
  readonly roomId: string;
}

/** Null for rooms that the viewer is not in, also those that anybody may read. */
async function joinedRoom({ roomId }: OfRoom, { directory }: Context): Promise<Room | null> {
  const room = await directory.room(roomId);
  return room?.viewer.membership ? room : null;
}

/** Events hold ids; the room as it is for the viewer is loaded when the event is delivered. */
export const inboxResolvers = {
  Inbox: { rooms: ({ userId }, args, { directory }) => directory.membershipsOf(userId, args) },
  InboxEvent: { __resolveType: ({ __typename }) => __typename },
  InboxRoomChanged: {
    room: (change, _args, context) => joinedRoom(change, context),
    unreadCount: async (change, _args, context) => {
      const membership = (await joinedRoom(change, context))?.viewer.membership;
      return membership ? unreadCount(membership) : null;
    },
    lastMessage: async (change, _args, context) => {
      if (!(await joinedRoom(change, context))) return null;
      return (await context.directory.messages(change.roomId, { last: 1 })).nodes[0] ?? null;
    },
  },
} satisfies Resolvers<Context>;
