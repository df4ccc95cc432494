// oxlint-disable typescript/no-explicit-any -- tests assert what they read
import type { Subgraph } from '#platform/subgraph-process.ts';
import { newId } from '#platform/ids.ts';
import { chatSubgraph } from '../../subgraphs/chat/subgraph.ts';
import { startTestSubgraph, type Caller, type TestOptions, type TestSubgraph } from '../support/subgraphs.ts';
import { until } from './result-streams.ts';

export type Chat = TestSubgraph<Subgraph>;

export const startChat = (options?: TestOptions): Promise<Chat> => startTestSubgraph(chatSubgraph(), options);

export const newUser = (): string => newId('User');

export const ERRORS = `userErrors { __typename message field
  ... on ValidationError { rule } ... on NotFoundError { id } ... on ForbiddenError { requiredPermission }
  ... on ConflictError { currentVersion } ... on SlowModeError { retryAfterMs } }`;
const ROOM =
  'room { id kind name topic visibility memberCount lastSeq slowModeSeconds viewerPermissions eventCursor }';
const MEMBERSHIP = 'membership { role user { id } lastReadSeq unreadCount }';
const MESSAGE = `message { id seq content revision editedAt deletedAt clientNonce author { id } replyTo { id } sharedTrack { id }
  reactions { emoji count viewerReacted } }`;

const MUTATIONS = {
  createRoom: `mutation ($input: CreateRoomInput!) { createRoom(input: $input) { ${ROOM} ${ERRORS} } }`,
  updateRoom: `mutation ($input: UpdateRoomInput!) { updateRoom(input: $input) { ${ROOM} ${ERRORS} } }`,
  joinRoom: `mutation ($roomId: ID!) { joinRoom(roomId: $roomId) { ${MEMBERSHIP} ${ERRORS} } }`,
  leaveRoom: `mutation ($roomId: ID!) { leaveRoom(roomId: $roomId) { ${ROOM} ${ERRORS} } }`,
  addMember: `mutation ($roomId: ID!, $userId: ID!) { addMember(roomId: $roomId, userId: $userId) { ${MEMBERSHIP} ${ERRORS} } }`,
  kickMember: `mutation ($roomId: ID!, $userId: ID!) { kickMember(roomId: $roomId, userId: $userId) { ${ROOM} ${ERRORS} } }`,
  banMember: `mutation ($roomId: ID!, $userId: ID!) { banMember(roomId: $roomId, userId: $userId) { ${ROOM} ${ERRORS} } }`,
  unbanMember: `mutation ($roomId: ID!, $userId: ID!) { unbanMember(roomId: $roomId, userId: $userId) { ${ROOM} ${ERRORS} } }`,
  setMemberRole: `mutation ($roomId: ID!, $userId: ID!, $role: RoomRole!) {
    setMemberRole(roomId: $roomId, userId: $userId, role: $role) { ${MEMBERSHIP} ${ERRORS} } }`,
  markRead: `mutation ($roomId: ID!, $upToSeq: Int!) { markRead(roomId: $roomId, upToSeq: $upToSeq) { ${MEMBERSHIP} ${ERRORS} } }`,
  sendMessage: `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { ${MESSAGE} ${ERRORS} } }`,
  editMessage: `mutation ($messageId: ID!, $content: String!, $expectedRevision: Int) {
    editMessage(messageId: $messageId, content: $content, expectedRevision: $expectedRevision) { ${MESSAGE} ${ERRORS} } }`,
  deleteMessage: `mutation ($messageId: ID!) { deleteMessage(messageId: $messageId) { ${MESSAGE} ${ERRORS} } }`,
  addReaction: `mutation ($messageId: ID!, $emoji: String!) { addReaction(messageId: $messageId, emoji: $emoji) { ${MESSAGE} ${ERRORS} } }`,
  removeReaction: `mutation ($messageId: ID!, $emoji: String!) { removeReaction(messageId: $messageId, emoji: $emoji) { ${MESSAGE} ${ERRORS} } }`,
  setTyping: `mutation ($roomId: ID!) { setTyping(roomId: $roomId) { until ${ERRORS} } }`,
  setPresence: `mutation ($status: PresenceStatus!, $activity: String) {
    setPresence(status: $status, activity: $activity) { presence { status activity lastActiveAt } ${ERRORS} } }`,
} as const;

type MutationName = keyof typeof MUTATIONS;
type Variables = Record<string, unknown>;

/** Runs a mutation and returns its payload, refused or not. */
export async function mutate(
  chat: Chat,
  caller: Caller,
  name: MutationName,
  variables: Variables,
): Promise<any> {
  return (await chat.data(caller, MUTATIONS[name], variables))[name];
}

/** The refusals of a mutation that must be refused, as `Type field rule-or-permission`. */
export async function refusals(
  chat: Chat,
  caller: Caller,
  name: MutationName,
  variables: Variables,
): Promise<string[]> {
  const { userErrors } = await mutate(chat, caller, name, variables);
  return userErrors.map((error: Record<string, string | string[] | null>) =>
    [error['__typename'], String(error['field'] ?? '-'), error['rule'] ?? error['requiredPermission']]
      .filter((part) => part != null)
      .join(' '),
  );
}

/** Runs a mutation that must succeed. */
export async function must(
  chat: Chat,
  caller: Caller,
  name: MutationName,
  variables: Variables,
): Promise<any> {
  const payload = await mutate(chat, caller, name, variables);
  if (payload.userErrors.length > 0)
    throw new Error(`${name} was refused: ${JSON.stringify(payload.userErrors)}`);
  return payload;
}

/** A public channel with these people in it, the first of them its owner. Returns its id. */
export async function openChannel(
  chat: Chat,
  [owner, ...others]: string[],
  extra: Variables = {},
): Promise<string> {
  const input = { kind: 'CHANNEL', name: 'tape loops', memberIds: others, ...extra };
  return (await must(chat, owner ?? null, 'createRoom', { input })).room.id;
}

let nonce = 0;

/** Sends a message that must be accepted. */
export async function say(
  chat: Chat,
  author: string,
  roomId: string,
  content: string,
  extra: Variables = {},
): Promise<any> {
  const input = { roomId, content, clientNonce: `nonce-${++nonce}`, ...extra };
  return (await must(chat, author, 'sendMessage', { input })).message;
}

/** Names of the events in a room's log. */
export async function logOf(chat: Chat, roomId: string): Promise<string[]> {
  return (await chat.open.foundation.events.read(`room:${roomId}`)).map(({ name }) => name);
}

/** Delivers a block, or the end of one, as the user subgraph would. */
export async function tellBlock(
  chat: Chat,
  name: 'user.blocked' | 'user.unblocked',
  blockerId: string,
  blockedId: string,
  seq: number,
): Promise<void> {
  await chat.durableBus.publish({
    id: newId('Event'),
    name,
    version: 1,
    stream: `user:${blockerId}`,
    seq,
    at: new Date().toISOString(),
    actorId: blockerId,
    correlationId: null,
    payload: { blockerId, blockedId },
  });
  const { database } = chat.open.foundation;
  const wanted = name === 'user.blocked';
  await until(async () => {
    const rows = await database
      .fork()
      .execute<unknown[]>('select 1 from block where blocker_id = ? and blocked_id = ?', [
        blockerId,
        blockedId,
      ]);
    return (rows.length === 1) === wanted;
  });
}
