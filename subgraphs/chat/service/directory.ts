import DataLoader from 'dataloader';
import type { Em } from '#platform/database.ts';
import { Refusal } from '#platform/errors.ts';
import { isId } from '#platform/ids.ts';
import { createListLoader, createLoader, type Loader } from '#platform/loader.ts';
import { parsePage, toConnection, type Connection, type Page, type PageArgs } from '#platform/paging.ts';
import { checkText } from '#platform/rules.ts';
import { idKey, instantKey, intKey } from '#platform/sort-keys.ts';
import { listBans, listMembers, listMemberships } from '../data/member.repository.ts';
import { listMessages } from '../data/message.repository.ts';
import { findPresence } from '../data/presence.repository.ts';
import { findReactions } from '../data/reaction.repository.ts';
import { findRooms, listPublicRooms } from '../data/room.repository.ts';
import type { Ban, Membership } from '../domain/membership.ts';
import type { Message, ReactionGroup } from '../domain/message.ts';
import { ABSENT, presenceAt, type Presence } from '../domain/presence.ts';
import { isVisible, type Room } from '../domain/room.ts';
import type { MessageReader } from './message-reader.ts';

/** Reads of one operation, as its viewer may see them. Its loaders batch and remember, so it must not outlive the operation. */
export interface Directory {
  /** Null for what does not exist for the viewer. */
  room(id: string): Promise<Room | null>;
  message(id: string): Promise<Message | null>;
  presence(userId: string): Promise<Presence>;
  reactions(messageId: string): Promise<ReactionGroup[]>;
  publicRooms(text: string | null | undefined, args: PageArgs): Promise<Connection<Room>>;
  messages(roomId: string, args: PageArgs): Promise<Connection<Message>>;
  members(roomId: string, args: PageArgs): Promise<Connection<Membership>>;
  membershipsOf(userId: string, args: PageArgs): Promise<Connection<Membership>>;
  bans(roomId: string, args: PageArgs): Promise<Connection<Ban>>;
  /** Forgets what was read: a mutation of the same operation has changed it. */
  forget(): void;
}

const DEFAULT_SIZE = 50;
const MAX_SEARCH_CHARS = 100;
/** People in the order of a moment, such as that of joining. */
const BY_USER = { keys: [instantKey, idKey('User')], defaultSize: DEFAULT_SIZE } as const;

export interface DirectoryDeps {
  readonly em: Em;
  readonly readMessage: MessageReader;
  readonly viewerId: string | null;
  readonly now: Date;
}

export function createDirectory(deps: DirectoryDeps): Directory {
  const { em, viewerId, now } = deps;
  const { rooms, messages, presence, reactions } = createLoaders(deps);
  const lists = createLists(em);
  return {
    async room(id) {
      const room = isId('Room', id) ? await rooms.load(id) : null;
      return room && isVisible(room) ? room : null;
    },
    message: async (id) => (isId('Message', id) ? messages.load(id) : null),
    async presence(userId) {
      const sign = isId('User', userId) ? await presence.load(userId) : null;
      return sign ? presenceAt(sign, now) : ABSENT;
    },
    reactions: async (messageId) => (await reactions.load(messageId))?.groups ?? [],
    async publicRooms(text, args) {
      const page = parsePage(args, { keys: [idKey('Room')] });
      const rows = await listPublicRooms(em, viewerId, acceptSearch(text), page);
      return toConnection(rows, page, ({ id }) => [id]);
    },
    async messages(roomId, args) {
      const page = parsePage(newestUnlessAsked(args), { keys: [intKey], defaultSize: DEFAULT_SIZE });
      return toConnection(await lists.messages.load(roomId, page), page, ({ seq }) => [seq]);
    },
    async members(roomId, args) {
      const page = parsePage(args, BY_USER);
      const rows = await lists.members.load(roomId, page);
      return toConnection(rows, page, ({ joinedAt, userId }) => [joinedAt.toISOString(), userId]);
    },
    async membershipsOf(userId, args) {
      const page = parsePage(args, { keys: [instantKey, idKey('Room')], defaultSize: DEFAULT_SIZE });
      const rows = await listMemberships(em, [userId], page);
      return toConnection(rows, page, ({ joinedAt, roomId }) => [joinedAt.toISOString(), roomId]);
    },
    async bans(roomId, args) {
      const page = parsePage(args, BY_USER);
      const rows = await listBans(em, roomId, page);
      return toConnection(rows, page, (ban) => [ban.createdAt.toISOString(), ban.userId]);
    },
    forget() {
      for (const loader of [rooms, messages, presence, reactions]) loader.clearAll();
      for (const loader of [lists.messages, lists.members]) loader.clearAll();
    },
  };
}

/** Whoever asks for messages without saying which wants the newest. */
const newestUnlessAsked = (args: PageArgs): PageArgs =>
  args.first == null && args.after == null && args.last == null && args.before == null
    ? { last: DEFAULT_SIZE }
    : args;

function acceptSearch(text: string | null | undefined): string | null {
  if (text == null || text.trim() === '') return null;
  const [problem] = checkText('query', text, { maxChars: MAX_SEARCH_CHARS });
  if (problem) throw new Refusal(problem);
  return text.trim();
}

function createLoaders({ em, readMessage, viewerId }: DirectoryDeps) {
  const rooms: Loader<Room> = createLoader(
    (ids) => findRooms(em, viewerId, ids),
    ({ id }) => id,
  );
  const messages: Loader<Message> = new DataLoader((ids) =>
    Promise.all(ids.map((id) => readMessage(viewerId, id))),
  );
  const presence = createLoader(
    (ids) => findPresence(em, viewerId, ids),
    ({ userId }) => userId,
  );
  const reactions = createLoader(
    (ids) => findReactions(em, viewerId, ids),
    ({ messageId }) => messageId,
  );
  return { rooms, messages, presence, reactions };
}

/** The same page of many rooms, for example the last message of each, is one query. */
function createLists(em: Em) {
  return {
    messages: createListLoader(
      (roomIds, page: Page) => listMessages(em, roomIds, page),
      ({ roomId }) => roomId,
    ),
    members: createListLoader(
      (roomIds, page: Page) => listMembers(em, roomIds, page),
      ({ roomId }) => roomId,
    ),
  };
}
