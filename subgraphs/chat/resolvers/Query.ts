import type { QueryResolvers } from '../generated/resolvers.ts';

export const Query: QueryResolvers = {
  room: (_root, { id }, { directory }) => directory.room(id),
  publicRooms: (_root, { query, ...page }, { directory }) => directory.publicRooms(query, page),
  message: (_root, { id }, { directory }) => directory.message(id),
};
