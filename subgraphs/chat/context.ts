import type { OperationScope } from '#platform/subgraph.ts';
import type { Foundation } from '#platform/subgraph-process.ts';
import { createDirectory, type Directory } from './service/directory.ts';
import type { Inbox } from './service/inbox.ts';
import type { Members } from './service/members.ts';
import type { MessageReader } from './service/message-reader.ts';
import type { MessageReactions } from './service/message-reactions.ts';
import type { Messages } from './service/messages.ts';
import type { Moderation } from './service/moderation.ts';
import type { Notifications } from './service/notifications.ts';
import type { PresenceBoard } from './service/presence.ts';
import type { RoomFeed } from './service/room-feed.ts';
import type { Rooms } from './service/rooms.ts';
import type { Typing } from './service/typing.ts';

export interface Services {
  readonly rooms: Rooms;
  readonly members: Members;
  readonly moderation: Moderation;
  readonly messages: Messages;
  readonly readMessage: MessageReader;
  readonly messageReactions: MessageReactions;
  readonly roomFeed: RoomFeed;
  readonly typing: Typing;
  readonly presenceBoard: PresenceBoard;
  readonly notifications: Notifications;
  readonly inbox: Inbox;
}

/** What the resolvers of one operation work with. */
export interface Context extends OperationScope, Services {
  readonly directory: Directory;
}

export function createContext(
  scope: OperationScope,
  services: Services,
  { database, now }: Pick<Foundation, 'database' | 'now'>,
): Context {
  const viewerId = scope.viewer?.userId ?? null;
  const { readMessage } = services;
  const directory = createDirectory({ em: database.fork(), readMessage, viewerId, now: now() });
  return { ...scope, ...services, directory };
}
