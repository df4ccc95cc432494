import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { platformClient } from '../support/platform-client.ts';
import { signUp, type Member } from './journey.ts';

export const FOLLOW_ROOM = `subscription ($roomId: ID!, $after: EventCursor) {
  roomEvents(roomId: $roomId, after: $after) { cursor ... on MessageCreated { message { content } } }
}`;

export interface RoomEventData {
  readonly roomEvents: { readonly cursor: string; readonly message?: { readonly content: string } };
}

/** A private room, in which its owner writes and a member reads. */
export interface FollowedRoom {
  /** Variables of FOLLOW_ROOM that begin behind what has happened so far. */
  readonly variables: { readonly roomId: string; readonly after: string };
  readonly reader: Member;
  /** What was written, in order. */
  readonly written: readonly string[];
  write(count: number): Promise<void>;
  /** An access token of another session of the reader. */
  signInAgain(): Promise<string>;
}

export async function createFollowedRoom(url: string): Promise<FollowedRoom> {
  const [owner, reader] = [await signUp(url, 'writer'), await signUp(url, 'reader')];
  const { createRoom } = await owner.data(
    `mutation ($input: CreateRoomInput!) { createRoom(input: $input) { room { id eventCursor } userErrors { message } } }`,
    { input: { kind: 'GROUP', name: 'Followed', memberIds: [reader.userId] } },
  );
  assert.deepEqual(createRoom.userErrors, []);
  const { id: roomId, eventCursor } = createRoom.room;
  const written: string[] = [];
  return {
    variables: { roomId, after: eventCursor },
    reader,
    written,
    async write(count) {
      for (let index = 0; index < count; index++) {
        const content = `message ${written.length + 1}`;
        const { sendMessage } = await owner.data(
          'mutation ($input: SendMessageInput!) { sendMessage(input: $input) { userErrors { message } } }',
          { input: { roomId, content, clientNonce: randomUUID() } },
        );
        assert.deepEqual(sendMessage.userErrors, []);
        written.push(content);
      }
    },
    async signInAgain() {
      const { login } = await platformClient(url).data(
        'mutation ($input: LoginInput!) { login(input: $input) { ... on TokenPair { accessToken } } }',
        { input: { email: `${reader.handle}@example.org`, password: 'a good password' } },
      );
      return login.accessToken;
    },
  };
}
