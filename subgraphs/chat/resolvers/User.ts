import type { UserResolvers, ViewerResolvers } from '../generated/resolvers.ts';

export const User: UserResolvers = {
  presence: ({ id }, _args, { directory }) => directory.presence(id),
};

export const Viewer: ViewerResolvers = {
  // Another subgraph may hand an account's id over; only its owner sees the rooms.
  __resolveReference: ({ id }, { viewer }) => (viewer?.userId === id ? { id } : null),
  rooms: ({ id }, args, { directory }) => directory.membershipsOf(id, args),
  inbox: ({ id }, _args, { inbox }) => inbox.start(id),
  notifications: ({ id }, { unreadOnly, ...page }, { notifications }) =>
    notifications.list(id, unreadOnly ?? false, page),
};
