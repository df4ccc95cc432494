import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { decodeCursor } from '#platform/events/cursor.ts';
import type { Member } from './journey.ts';

export const INBOX = `subscription ($after: EventCursor) { inbox(after: $after) { __typename cursor
  ... on InboxRoomChanged { roomId unreadCount room { name } lastMessage { content author { handle } } } } }`;

export interface InboxData {
  readonly inbox: {
    readonly __typename: string;
    readonly cursor: string;
    readonly roomId: string;
    readonly unreadCount: number | null;
    readonly room: { readonly name: string } | null;
    readonly lastMessage: { readonly content: string; readonly author: { readonly handle: string } } | null;
  };
}

/** The fan's sidebar is told of a room with the artist, goes on from where it was, and is told that the room is theirs no more. */
export async function sidebar(artist: Member, fan: Member): Promise<void> {
  const start = await inboxStart(fan);
  const roomId = await openGroup(artist, [fan]);
  const begun = await followInbox(fan, roomId, start);
  const joined = await begun.until(({ room }) => room !== null);
  assert.deepEqual([joined.room, joined.unreadCount, joined.lastMessage], [{ name: 'Studio' }, 0, null]);
  await begun.close();
  await writeIn(artist, roomId, 'Listen!');
  await artist.data(
    'mutation ($input: UpdateRoomInput!) { updateRoom(input: $input) { userErrors { message } } }',
    { input: { roomId, name: 'Late studio' } },
  );
  const resumed = await followInbox(fan, roomId, joined.cursor);
  const changed = await resumed.until(({ room }) => room?.name === 'Late studio');
  assert.deepEqual(
    [changed.unreadCount, changed.lastMessage],
    [1, { content: 'Listen!', author: { handle: artist.handle } }],
  );
  await artist.data(
    'mutation ($roomId: ID!, $userId: ID!) { kickMember(roomId: $roomId, userId: $userId) { userErrors { message } } }',
    { roomId, userId: fan.userId },
  );
  const gone = await resumed.until(({ room }) => room === null);
  assert.deepEqual([gone.unreadCount, gone.lastMessage], [null, null]);
  await resumed.close();
}

/** Position from which someone follows their rooms. */
export async function inboxStart(member: Member): Promise<string> {
  return (await member.data('{ viewer { inbox { eventCursor } } }')).viewer.inbox.eventCursor;
}

export async function openGroup(owner: Member, others: readonly Member[]): Promise<string> {
  const { createRoom } = await owner.data(
    'mutation ($input: CreateRoomInput!) { createRoom(input: $input) { room { id } userErrors { message } } }',
    { input: { kind: 'GROUP', name: 'Studio', memberIds: others.map(({ userId }) => userId) } },
  );
  assert.deepEqual(createRoom.userErrors, []);
  return createRoom.room.id;
}

export async function writeIn(author: Member, roomId: string, content: string): Promise<void> {
  const { sendMessage } = await author.data(
    'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { userErrors { message } } }',
    { input: { roomId, content, clientNonce: randomUUID() } },
  );
  assert.deepEqual(sendMessage.userErrors, []);
}

/** What someone is told of one room, in the order of positions. */
async function followInbox(member: Member, roomId: string, after: string) {
  const events = await member.subscribe(INBOX, { after });
  let position = decodeCursor(after).seq;
  return {
    close: () => events.close(),
    async until(isSo: (event: InboxData['inbox']) => boolean): Promise<InboxData['inbox']> {
      for (;;) {
        const { inbox }: InboxData = await events.next();
        assert.equal(inbox.__typename, 'InboxRoomChanged');
        const { seq } = decodeCursor(inbox.cursor);
        assert.ok(seq > position, `${seq} came behind ${position}`);
        position = seq;
        if (inbox.roomId === roomId && isSo(inbox)) return inbox;
      }
    },
  };
}
