import type { Resolvers } from '../generated/resolvers.ts';
import type { Context } from '../context.ts';

const room = ({ roomId }: { readonly roomId: string }, _args: unknown, { directory }: Context) =>
  directory.room(roomId);
const message = ({ messageId }: { readonly messageId: string }, _args: unknown, { directory }: Context) =>
  directory.message(messageId);
const user = ({ userId }: { readonly userId: string }) => ({ id: userId });

/** Events hold ids; what they belong to is loaded when the event is delivered. */
export const roomEventResolvers = {
  RoomEvent: { __resolveType: ({ __typename }) => __typename },
  RoomCreated: { room },
  RoomUpdated: { room },
  MessageCreated: { message },
  MessageEdited: { message },
  ReactionChanged: { user },
  MembershipChanged: { user },
  ReadMarkerMoved: { user },
  TypingSignal: { user },
} satisfies Resolvers;
