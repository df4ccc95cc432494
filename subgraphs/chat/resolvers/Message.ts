import type { MessageResolvers } from '../generated/resolvers.ts';

export const Message: MessageResolvers = {
  __resolveReference: ({ id }, { directory }) => directory.message(id),
  room: ({ roomId }, _args, { directory }) => directory.room(roomId),
  author: ({ authorId }) => ({ id: authorId }),
  clientNonce: ({ authorId, clientNonce }, _args, { viewer }) =>
    authorId === viewer?.userId ? clientNonce : null,
  replyTo: ({ replyToId }, _args, { directory }) =>
    replyToId === null ? null : directory.message(replyToId),
  sharedTrack: ({ trackId }) => (trackId === null ? null : { id: trackId }),
  reactions: ({ id }, _args, { directory }) => directory.reactions(id),
};
