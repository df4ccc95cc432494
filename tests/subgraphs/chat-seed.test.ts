import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { DEMO_ROOM_ID, DEMO_USERS } from '#platform/demo.ts';
import { logOf, startChat, tellBlock, type Chat } from './chat-kit.ts';

let chat: Chat;
before(async () => void (chat = await startChat()));
after(() => chat.close());

const [MIRA, TEO, JUNO] = DEMO_USERS;
const QUERY = `query ($id: ID!) { room(id: $id) { memberCount lastSeq messages { nodes { content reactions { count } } } }
  publicRooms { nodes { name } } }`;

test('the demo has public rooms that people talk in, and a second run adds nothing', async () => {
  await chat.open.subgraph.seed();
  const first = await chat.data(JUNO.id, QUERY, { id: DEMO_ROOM_ID });
  assert.equal(first.room.memberCount, 3);
  assert.equal(first.room.messages.nodes.length, first.room.lastSeq);
  assert.deepEqual(first.room.messages.nodes[0].reactions, [{ count: 1 }]);
  const log = await logOf(chat, DEMO_ROOM_ID);
  await chat.open.subgraph.seed();
  assert.deepEqual(await chat.data(JUNO.id, QUERY, { id: DEMO_ROOM_ID }), first);
  assert.deepEqual(await logOf(chat, DEMO_ROOM_ID), log);
});

test('a run after people of the demo blocked each other does not fail', async () => {
  await tellBlock(chat, 'user.blocked', TEO.id, MIRA.id, 1);
  await chat.open.subgraph.seed();
});

test('a run completes what another left unfinished', async () => {
  await using unfinished = await partlySeeded();
  await unfinished.chat.open.subgraph.seed();
  const { room } = await unfinished.chat.data(null, QUERY, { id: DEMO_ROOM_ID });
  assert.deepEqual([room.memberCount, room.lastSeq], [3, 4]);
});

/** As a process leaves it that was killed before it had written the last words. */
async function partlySeeded() {
  const started = await startChat();
  await started.open.subgraph.seed();
  const em = started.open.foundation.database.fork();
  await em.execute(`delete from room where kind = 'DIRECT'`);
  return { chat: started, [Symbol.asyncDispose]: () => started.close() };
}
