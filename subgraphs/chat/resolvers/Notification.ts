import { requireViewer } from '#platform/auth-directive.ts';
import type { Context } from '../context.ts';
import type { Resolvers } from '../generated/resolvers.ts';

const TYPE_NAMES = {
  FOLLOW: 'FollowNotification',
  TRACK_COMMENT: 'TrackCommentNotification',
  SALE: 'SaleNotification',
  LIVE_STARTED: 'LiveStartedNotification',
  DIRECT_MESSAGE: 'DirectMessageNotification',
} as const;

const actor = ({ actorId }: { readonly actorId: string }) => ({ id: actorId });

/** Notifications hold ids, and so do their events; what they belong to is loaded when it is asked for. */
export const notificationResolvers = {
  Notification: { __resolveType: ({ kind }) => TYPE_NAMES[kind] },
  FollowNotification: { follower: actor },
  TrackCommentNotification: {
    by: actor,
    track: ({ trackId }) => ({ id: trackId }),
    comment: ({ commentId }) => ({ id: commentId }),
  },
  SaleNotification: { products: ({ productIds }) => productIds.map((id) => ({ id })) },
  LiveStartedNotification: { host: actor, liveRoom: ({ liveRoomId }) => ({ id: liveRoomId }) },
  DirectMessageNotification: {
    by: actor,
    room: ({ roomId }, _args, { directory }) => directory.room(roomId),
    message: ({ messageId }, _args, { directory }) => directory.message(messageId),
  },
  NotificationEvent: { __resolveType: ({ __typename }) => __typename },
  NotificationCreated: {
    notification: ({ notificationId }, _args, context) =>
      context.notifications.find(requireViewer(context).userId, notificationId),
  },
} satisfies Resolvers<Context>;
