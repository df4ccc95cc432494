import { DateTime, EventCursor, Json, Url } from '#platform/scalars.ts';
import type { Resolvers } from '../generated/resolvers.ts';
import { inboxResolvers } from './Inbox.ts';
import { Message } from './Message.ts';
import { Mutation } from './Mutation.ts';
import { notificationResolvers } from './Notification.ts';
import { Query } from './Query.ts';
import { Room, RoomBan, RoomMembership } from './Room.ts';
import { roomEventResolvers } from './RoomEvent.ts';
import { Subscription } from './Subscription.ts';
import { User, Viewer } from './User.ts';

export const resolvers: Resolvers = {
  Query,
  Mutation,
  Subscription,
  Room,
  RoomMembership,
  RoomBan,
  Message,
  User,
  Viewer,
  ...roomEventResolvers,
  ...notificationResolvers,
  ...inboxResolvers,
  DateTime,
  EventCursor,
  JSON: Json,
  URL: Url,
};
