import { requireViewer } from '#platform/auth-directive.ts';
import type { InboxEvent } from '../domain/inbox-event.ts';
import type { NotificationEvent } from '../domain/notification.ts';
import type { RoomEvent } from '../domain/room-event.ts';
import type { TypingSignal } from '../domain/presence.ts';
import type { UserReference } from '../domain/references.ts';
import type { SubscriptionResolvers } from '../generated/resolvers.ts';

export const Subscription: SubscriptionResolvers = {
  roomEvents: {
    subscribe: (_root, { roomId, after }, context) =>
      context.roomFeed.follow(context.viewer, roomId, after, context),
    resolve: (event: RoomEvent) => event,
  },
  typing: {
    subscribe: (_root, { roomId }, context) => context.typing.follow(requireViewer(context), roomId, context),
    resolve: (signal: TypingSignal) => signal,
  },
  presence: {
    subscribe: (_root, { userIds }, context) =>
      context.presenceBoard.follow(requireViewer(context), userIds, context),
    resolve: (user: UserReference) => user,
  },
  notifications: {
    subscribe: (_root, { after }, context) =>
      context.notifications.follow(requireViewer(context), after ?? null, context),
    resolve: (event: NotificationEvent) => event,
  },
  inbox: {
    subscribe: (_root, { after }, context) =>
      context.inbox.follow(requireViewer(context), after ?? null, context),
    resolve: (event: InboxEvent) => event,
  },
};
