// oxlint-disable typescript/no-explicit-any -- tests assert what they read
import { decodeCursor } from '#platform/events/cursor.ts';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { openChannel, say, type Chat } from './chat-kit.ts';
import { take, until } from './result-streams.ts';

export const INBOX = `subscription ($after: EventCursor) { inbox(after: $after) { __typename cursor
  ... on InboxRoomChanged { roomId room { id name viewerPermissions } unreadCount lastMessage { content deletedAt } }
  ... on InboxResyncRequired { reason } } }`;

/** Positions of events, which must only ever grow. */
export const positionOf = ({ cursor }: { cursor: string }): number => decodeCursor(cursor).seq;

/** Someone's sidebar, and a room that nobody else is in. */
export class Sidebar {
  readonly userId: string;
  readonly #chat: Chat;
  readonly #ownRoomId: string;
  #stream: ResultStream;
  #cursor: string | null = null;

  private constructor(chat: Chat, userId: string, ownRoomId: string, stream: ResultStream) {
    this.#chat = chat;
    this.userId = userId;
    this.#ownRoomId = ownRoomId;
    this.#stream = stream;
  }

  /** Resolves once it has been told of all that was before. */
  static async open(chat: Chat, userId: string): Promise<Sidebar> {
    const ownRoomId = await openChannel(chat, [userId], { visibility: 'PRIVATE' });
    const sidebar = new Sidebar(chat, userId, ownRoomId, await chat.subscribe(userId, INBOX));
    await sidebar.heard();
    return sidebar;
  }

  /** Behind what it was told last. */
  get cursor(): string | null {
    return this.#cursor;
  }

  async next(): Promise<any> {
    const [{ inbox }] = await take(this.#stream, 1);
    if (this.#cursor !== null && decodeCursor(this.#cursor).seq >= positionOf(inbox))
      throw new Error(`told behind ${this.#cursor}: ${JSON.stringify(inbox)}`);
    this.#cursor = inbox.cursor;
    return inbox;
  }

  /** What it is told of before a change of its own room, which is made now, and so of all that has happened. */
  async heard(): Promise<any[]> {
    await say(this.#chat, this.userId, this.#ownRoomId, 'a fence');
    const fence = await placeOf(this.#chat, this.#ownRoomId);
    const events: any[] = [];
    for (;;) {
      const event = await this.next();
      if (positionOf(event) === fence) return events;
      // Its room may be told of for what was before, and then shows what is now.
      if (event.roomId !== this.#ownRoomId) events.push(event);
    }
  }

  leave(): Promise<unknown> {
    return this.#stream.return();
  }

  async comeBack(): Promise<void> {
    this.#stream = await this.#chat.subscribe(this.userId, INBOX, { after: this.#cursor });
  }
}

/** Where the newest change of a room stands, once it has its place. */
async function placeOf(chat: Chat, roomId: string): Promise<number> {
  const { database } = chat.open.foundation;
  const rows = (sql: string) => database.fork().execute<{ position: string }[]>(sql, [roomId]);
  await until(async () => (await rows('select 1 from room_change_pending where room_id = ?')).length === 0);
  const [row] = await rows('select position from room_change where room_id = ?');
  return Number(row?.position);
}

/** Ids of the rooms that events are about. */
export const roomsOf = (events: readonly any[]): string[] => events.map(({ roomId }) => roomId);
