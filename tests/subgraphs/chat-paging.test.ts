import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { must, newUser, openChannel, say, startChat, type Chat } from './chat-kit.ts';

describe('reading rooms and messages', () => {
  let chat: Chat;
  before(async () => void (chat = await startChat()));
  after(() => chat.close());

  const owner = newUser();
  const page = async (roomId: string, args: string) => {
    const query = `query ($id: ID!) { room(id: $id) { messages${args} {
      nodes { seq } edges { cursor node { seq } } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`;
    const { nodes, edges, pageInfo } = (await chat.data(owner, query, { id: roomId })).room.messages;
    assert.deepEqual(
      edges.map((edge: { node: unknown }) => edge.node),
      nodes,
    );
    return { seqs: nodes.map((node: { seq: number }) => node.seq), pageInfo };
  };

  it('pages through messages both ways, oldest first on every page', async () => {
    const roomId = await openChannel(chat, [owner]);
    for (let index = 0; index < 7; index++) await say(chat, owner, roomId, `message ${index}`);
    const newest = await page(roomId, '(last: 3)');
    assert.deepEqual(
      [newest.seqs, newest.pageInfo.hasPreviousPage, newest.pageInfo.hasNextPage],
      [[5, 6, 7], true, false],
    );
    const before = await page(roomId, `(last: 4, before: "${newest.pageInfo.startCursor}")`);
    assert.deepEqual(
      [before.seqs, before.pageInfo.hasPreviousPage, before.pageInfo.hasNextPage],
      [[1, 2, 3, 4], false, true],
    );
    const oldest = await page(roomId, '(first: 2)');
    assert.deepEqual([oldest.seqs, oldest.pageInfo.hasNextPage], [[1, 2], true]);
    const next = await page(roomId, `(first: 100, after: "${oldest.pageInfo.endCursor}")`);
    assert.deepEqual([next.seqs, next.pageInfo.hasNextPage], [[3, 4, 5, 6, 7], false]);
    assert.deepEqual((await page(roomId, '')).seqs, [1, 2, 3, 4, 5, 6, 7]);
  });

  it('answers an empty room with an empty page', async () => {
    const roomId = await openChannel(chat, [owner]);
    const { seqs, pageInfo } = await page(roomId, '');
    assert.deepEqual(seqs, []);
    assert.deepEqual([pageInfo.startCursor, pageInfo.hasNextPage], [null, false]);
  });

  it('walks an index for a page of messages, however many there are', async () => {
    const roomId = await openChannel(chat, [owner]);
    const em = chat.open.foundation.database.fork();
    await em.execute(
      `insert into message (id, room_id, author_id, content, seq, client_nonce, created_at)
       select 'msg_bulk_' || n, ?, ?, 'text', n, 'bulk ' || n, now() from generate_series(1, 20000) n`,
      [roomId, owner],
    );
    await em.execute('analyze message');
    const { result, queries } = await chat.open.foundation.database.countQueries(() =>
      page(roomId, '(last: 50)'),
    );
    assert.equal(result.seqs.at(-1), 20_000);
    assert.equal(queries.length, 2);
    const rows = await em.execute<Record<string, string>[]>(
      `explain select m.* from unnest(array['${roomId}']) as wanted(id) cross join lateral
         (select * from message where room_id = wanted.id and (seq) < (10000) order by seq desc limit 51) m`,
    );
    const plan = rows.map((row) => row['QUERY PLAN']).join('\n');
    assert.match(plan, /Index Scan.* message_in_order/);
    assert.doesNotMatch(plan, /Seq Scan on message|Sort/);
  });

  it('answers a batch of references with one query for each type', async () => {
    const rooms = await Promise.all([1, 2, 3].map(() => openChannel(chat, [owner])));
    const hidden = await openChannel(chat, [newUser()], { visibility: 'PRIVATE' });
    const messages = await Promise.all(rooms.map((roomId) => say(chat, owner, roomId, 'hi')));
    const query = `query ($refs: [_Any!]!) { _entities(representations: $refs) {
      ... on Room { name viewerMembership { role } viewerPermissions eventCursor } ... on Message { content } ... on User { presence { status } } } }`;
    const cases: [string, string[], number][] = [
      ['Room', [...rooms, hidden, newId('Room'), 'nonsense'], 3],
      ['Message', [...messages.map(({ id }) => id), newId('Message'), '}'], 3],
      ['User', [owner, newUser(), newUser(), 'nonsense'], 4],
    ];
    for (const [type, ids, found] of cases) {
      const refs = ids.map((id) => ({ __typename: type, id }));
      const { result, queries } = await chat.open.foundation.database.countQueries(() =>
        chat.data(owner, query, { refs }),
      );
      assert.equal(queries.length, 1, type);
      assert.equal(result._entities.filter((entity: unknown) => entity !== null).length, found, type);
    }
  });

  it('answers the last message and its reactions of many rooms with one query each', async () => {
    const person = newUser();
    for (let index = 0; index < 4; index++) await say(chat, person, await openChannel(chat, [person]), 'hi');
    const query = `query ($refs: [_Any!]!) { _entities(representations: $refs) { ... on Viewer { rooms(first: 10) {
      nodes { unreadCount room { name messages(last: 1) { nodes { content author { id presence { status } } reactions { count } } } } } } } } }`;
    const refs = [{ __typename: 'Viewer', id: person }];
    const { result, queries } = await chat.open.foundation.database.countQueries(() =>
      chat.data(person, query, { refs }),
    );
    assert.equal(result._entities[0].rooms.nodes.length, 4);
    assert.equal(queries.length, 5);
  });

  it('shows nobody the rooms of somebody else', async () => {
    const person = newUser();
    const direct = await must(chat, person, 'createRoom', { input: { kind: 'DIRECT', memberIds: [owner] } });
    const query = `query ($refs: [_Any!]!) { _entities(representations: $refs) { ... on Viewer { rooms { nodes { room { id } } } } } }`;
    const rooms = async (caller: string | null) =>
      (await chat.data(caller, query, { refs: [{ __typename: 'Viewer', id: person }] }))._entities[0];
    assert.deepEqual((await rooms(person)).rooms.nodes, [{ room: { id: direct.room.id } }]);
    assert.equal(await rooms(owner), null);
    assert.equal(await rooms(null), null);
  });

  it('reads its own change when one operation makes several', async () => {
    const roomId = await openChannel(chat, [owner]);
    const { a, b } = await chat.data(
      owner,
      `mutation ($id: ID!, $x: String!) {
        a: updateRoom(input: { roomId: $id, name: "one" }) { room { name } }
        b: updateRoom(input: { roomId: $id, name: $x }) { room { name } } }`,
      { id: roomId, x: 'two' },
    );
    assert.deepEqual([a.room.name, b.room.name], ['one', 'two']);
  });
});
