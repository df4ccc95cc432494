import { z } from 'zod';
import type { Session } from './session.client.ts';

const messageShape = z.object({
  id: z.string(),
  seq: z.number(),
  content: z.string().nullish(),
  createdAt: z.string(),
  editedAt: z.string().nullish(),
  author: z.object({ id: z.string(), displayName: z.string() }).nullish(),
});
/** `content` is null once it was deleted. */
export type ChatMessage = z.infer<typeof messageShape>;

const pageShape = z.object({
  pageInfo: z.object({ hasPreviousPage: z.boolean(), startCursor: z.string().nullish() }),
  nodes: z.array(messageShape),
});

const roomShape = z.object({
  name: z.string().nullish(),
  eventCursor: z.string(),
  viewerMembership: z.object({ role: z.string() }).nullish(),
  messages: pageShape,
});
const olderShape = z.object({ messages: pageShape });

const payload = z.object({ userErrors: z.array(z.object({ message: z.string() })) });

/** A chat room as far as it is shown. */
export interface Chat {
  readonly name: string | null;
  /** Oldest first. */
  readonly messages: readonly ChatMessage[];
  /** Behind it lie older messages; null where all are shown. */
  readonly olderThan: string | null;
  /** Whether the visitor is in the room: who writes must be. */
  readonly isMember: boolean;
  readonly cursor: string;
}

const position = { cursor: z.string() };
const eventShape = z.discriminatedUnion('__typename', [
  z.object({
    __typename: z.enum(['MessageCreated', 'MessageEdited']),
    ...position,
    message: messageShape.nullish(),
  }),
  z.object({ __typename: z.literal('MessageDeleted'), ...position, messageId: z.string() }),
  z.object({ __typename: z.literal('RoomUpdated'), ...position }),
  z.object({ __typename: z.literal('ReactionChanged'), ...position }),
  z.object({ __typename: z.literal('MembershipChanged'), ...position }),
  z.object({ __typename: z.literal('ReadMarkerMoved'), ...position }),
]);

const MESSAGE = 'id seq content createdAt editedAt author { id displayName }';

export const CHAT_EVENTS = `subscription LiveChatEvents($id: ID!, $after: EventCursor) {
  roomEvents(roomId: $id, after: $after) {
    cursor
    ... on MessageCreated { message { ${MESSAGE} } }
    ... on MessageEdited { message { ${MESSAGE} } }
    ... on MessageDeleted { messageId }
    ... on ResyncRequired { reason }
  }
}`;

/** The chat after an event, or null where it has to be loaded anew. An event that was read already changes nothing. */
export function chatAfter(chat: Chat, received: unknown): Chat | null {
  const { success, data: event } = eventShape.safeParse(received);
  if (!success) return null;
  const { cursor } = event;
  switch (event.__typename) {
    case 'MessageCreated':
    case 'MessageEdited':
      return { ...chat, cursor, messages: event.message ? withMessage(chat, event.message) : chat.messages };
    case 'MessageDeleted': {
      const deleted = ({ id }: ChatMessage) => id === event.messageId;
      const messages = chat.messages.map((one) => (deleted(one) ? { ...one, content: null } : one));
      return { ...chat, cursor, messages };
    }
    default:
      return { ...chat, cursor };
  }
}

/** An edited message that is older than all that are shown stays where it is. */
function withMessage({ messages }: Chat, message: ChatMessage): readonly ChatMessage[] {
  if (messages.some(({ id }) => id === message.id))
    return messages.map((one) => (one.id === message.id ? message : one));
  return (messages[0]?.seq ?? 0) > message.seq ? messages : [...messages, message];
}

/** What the page asks of the platform about the chat room beside a live room. */
export class ChatApi {
  readonly #session: Session;
  readonly #roomId: string;

  constructor(session: Session, roomId: string) {
    this.#session = session;
    this.#roomId = roomId;
  }

  /** The newest messages; null where the visitor may not see the room. */
  async load(): Promise<Chat | null> {
    const { room } = await this.#session.ask(LOAD, { id: this.#roomId });
    const found = roomShape.nullish().parse(room);
    if (!found) return null;
    const { name = null, eventCursor, viewerMembership, messages } = found;
    return { name, isMember: !!viewerMembership, cursor: eventCursor, ...shown(messages) };
  }

  async loadOlder(chat: Chat): Promise<Pick<Chat, 'messages' | 'olderThan'>> {
    const { room } = await this.#session.ask(OLDER, { id: this.#roomId, before: chat.olderThan });
    return shown(olderShape.parse(room).messages);
  }

  /** Sent again with the same nonce it is written once. Throws an error with the platform's words where it is refused. */
  async send(content: string, clientNonce: string): Promise<void> {
    const input = { roomId: this.#roomId, content, clientNonce };
    const { sendMessage } = await this.#session.ask(SEND, { input });
    requireAccepted(sendMessage);
  }

  async becomeMember(): Promise<void> {
    const { joinRoom } = await this.#session.ask(JOIN, { id: this.#roomId });
    requireAccepted(joinRoom);
  }
}

const shown = ({ nodes, pageInfo }: z.infer<typeof pageShape>): Pick<Chat, 'messages' | 'olderThan'> => ({
  messages: nodes,
  olderThan: pageInfo.hasPreviousPage ? (pageInfo.startCursor ?? null) : null,
});

function requireAccepted(result: unknown): void {
  const [refused] = payload.parse(result).userErrors;
  if (refused) throw new Error(refused.message);
}

const PAGE = `pageInfo { hasPreviousPage startCursor } nodes { ${MESSAGE} }`;

const LOAD = `query LiveChat($id: ID!) {
  room(id: $id) { name eventCursor viewerMembership { role } messages(last: 50) { ${PAGE} } }
}`;

const OLDER = `query LiveChatOlder($id: ID!, $before: String) {
  room(id: $id) { messages(last: 50, before: $before) { ${PAGE} } }
}`;

const SEND = `mutation LiveChatSend($input: SendMessageInput!) {
  sendMessage(input: $input) { userErrors { message } }
}`;

const JOIN = 'mutation LiveChatJoin($id: ID!) { joinRoom(roomId: $id) { userErrors { message } } }';
