import { createEndpoint } from '#platform/subgraph.ts';
import type { Foundation, Subgraph, SubgraphDefinition } from '#platform/subgraph-process.ts';
import { createContext, type Services } from './context.ts';
import { MessageEntity, Reaction } from './data/message.entity.ts';
import { ChatTables } from './data/migrations/chat-tables.ts';
import { NotificationTables } from './data/migrations/notification-tables.ts';
import { RoomChangeTables } from './data/migrations/room-change-tables.ts';
import { Follow, NotificationEntity } from './data/notification.entity.ts';
import { Block, PresenceEntity } from './data/presence.entity.ts';
import { RoomBan, RoomEntity, RoomMember } from './data/room.entity.ts';
import { registerReactions } from './reactions.ts';
import { resolvers } from './resolvers/resolvers.ts';
import { seed } from './seed.ts';
import { createInbox } from './service/inbox.ts';
import { createMembers } from './service/members.ts';
import { createMessageReader } from './service/message-reader.ts';
import { createMessageReactions } from './service/message-reactions.ts';
import { createMessages } from './service/messages.ts';
import { createModeration } from './service/moderation.ts';
import { createNotifications } from './service/notifications.ts';
import { createPresenceBoard } from './service/presence.ts';
import { createPresenceKeeper } from './service/presence-keeper.ts';
import { createRoomChangeSequencer, notingCommits } from './service/room-change-sequencer.ts';
import { createRoomFeed } from './service/room-feed.ts';
import { createRooms } from './service/rooms.ts';
import { createTyping } from './service/typing.ts';

/** Rooms, who is in them, messages, presence. */
export function chatSubgraph(): SubgraphDefinition {
  return {
    name: 'chat',
    entities: [
      ...[RoomEntity, RoomMember, RoomBan, MessageEntity, Reaction, Block, PresenceEntity],
      ...[NotificationEntity, Follow],
    ],
    migrations: [ChatTables, NotificationTables, RoomChangeTables],
    create: createChatSubgraph,
  };
}

function createChatSubgraph(given: Foundation): Subgraph {
  const { database, secret, log } = given;
  registerReactions(given.events);
  const sequencer = createRoomChangeSequencer(given);
  const foundation = { ...given, events: notingCommits(given.events, sequencer.wake) };
  const keeper = createPresenceKeeper(foundation);
  const services: Services = {
    rooms: createRooms(foundation),
    members: createMembers(foundation),
    moderation: createModeration(foundation),
    messages: createMessages(foundation),
    readMessage: createMessageReader(database),
    messageReactions: createMessageReactions(foundation),
    roomFeed: createRoomFeed({ ...foundation, keeper }),
    typing: createTyping({ ...foundation, keeper }),
    presenceBoard: createPresenceBoard({ ...foundation, keeper }),
    notifications: createNotifications(foundation),
    inbox: createInbox(foundation),
  };
  const endpoint = createEndpoint({
    schemaFile: new URL('schema.graphql', import.meta.url),
    resolvers,
    createContext: (scope) => createContext(scope, services, foundation),
    secret,
    log,
  });
  return {
    endpoint,
    start() {
      keeper.start();
      sequencer.start();
    },
    async stop() {
      await keeper.stop();
      await sequencer.stop();
    },
    seed: () => seed(services, database),
  };
}
