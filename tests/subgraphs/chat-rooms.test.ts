import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { logOf, must, mutate, newUser, openChannel, refusals, startChat, type Chat } from './chat-kit.ts';

describe('rooms', () => {
  let chat: Chat;
  before(async () => void (chat = await startChat()));
  after(() => chat.close());

  const create = (caller: string, input: Record<string, unknown>) =>
    mutate(chat, caller, 'createRoom', { input });

  it('makes a channel with its people, counts them, and writes it all to the log', async () => {
    const [owner, other] = [newUser(), newUser()];
    const input = { kind: 'CHANNEL', name: ' tape ', topic: 'loops', memberIds: [other, other, owner] };
    const { room, userErrors } = await create(owner, input);
    assert.deepEqual(userErrors, []);
    const { name, topic, visibility, memberCount, lastSeq } = room;
    assert.deepEqual(
      { name, topic, visibility, memberCount, lastSeq },
      {
        name: 'tape',
        topic: 'loops',
        visibility: 'PUBLIC',
        memberCount: 2,
        lastSeq: 0,
      },
    );
    assert.deepEqual(await logOf(chat, room.id), ['room.created', 'room.memberJoined', 'room.memberJoined']);
    const query = `query ($id: ID!) { room(id: $id) { creator { id } members { nodes { role user { id } } } viewerMembership { role } } }`;
    const read = await chat.data(owner, query, { id: room.id });
    assert.equal(read.room.creator.id, owner);
    assert.equal(read.room.viewerMembership.role, 'OWNER');
    assert.deepEqual(
      new Set(
        read.room.members.nodes.map(
          (member: { role: string; user: { id: string } }) => `${member.role} ${member.user.id}`,
        ),
      ),
      new Set([`OWNER ${owner}`, `MEMBER ${other}`]),
    );
  });

  it('gives two people one direct room, whoever opens it and however often at once', async () => {
    const [a, b] = [newUser(), newUser()];
    const opened = await Promise.all(
      Array.from({ length: 8 }, (_, index) =>
        must(chat, index % 2 ? a : b, 'createRoom', {
          input: { kind: 'DIRECT', memberIds: [index % 2 ? b : a] },
        }),
      ),
    );
    const ids = new Set(opened.map(({ room }) => room.id));
    assert.equal(ids.size, 1);
    const [id = ''] = ids;
    assert.equal(opened[0].room.visibility, 'PRIVATE');
    assert.deepEqual(await logOf(chat, id), ['room.created', 'room.memberJoined', 'room.memberJoined']);
  });

  it('refuses impossible rooms, and people whose ids are none', async () => {
    const owner = newUser();
    const refuse = (input: Record<string, unknown>) => refusals(chat, owner, 'createRoom', { input });
    assert.deepEqual(await refuse({ kind: 'CHANNEL' }), ['ValidationError input,name REQUIRED']);
    assert.deepEqual(await refuse({ kind: 'GROUP', visibility: 'PUBLIC' }), [
      'ValidationError input,visibility NOT_ALLOWED',
    ]);
    assert.deepEqual(await refuse({ kind: 'DIRECT', memberIds: [owner] }), [
      'ValidationError input,memberIds SELF',
    ]);
    assert.deepEqual(await refuse({ kind: 'GROUP', memberIds: ["'; drop table room; --"] }), [
      'NotFoundError input,memberIds',
    ]);
  });

  it('needs a signed-in caller for every change', async () => {
    const { errors } = await chat.run(null, `mutation { joinRoom(roomId: "x") { userErrors { message } } }`);
    assert.equal(errors?.[0]?.extensions?.['code'], 'UNAUTHENTICATED');
  });

  it('changes what it is told to, for those who may', async () => {
    const [owner, member] = [newUser(), newUser()];
    const roomId = await openChannel(chat, [owner, member], { topic: 'loops' });
    const change = { roomId, name: 'reels', slowModeSeconds: 30 };
    const { room } = await must(chat, owner, 'updateRoom', { input: change });
    assert.deepEqual(
      [room.name, room.topic, room.slowModeSeconds, room.visibility],
      ['reels', 'loops', 30, 'PUBLIC'],
    );
    await must(chat, owner, 'updateRoom', { input: change });
    assert.deepEqual((await logOf(chat, roomId)).slice(-2), ['room.memberJoined', 'room.updated']);

    assert.deepEqual(await refusals(chat, member, 'updateRoom', { input: change }), [
      'ForbiddenError - MANAGE_ROOM',
    ]);
    assert.deepEqual(await refusals(chat, owner, 'updateRoom', { input: { roomId, slowModeSeconds: -1 } }), [
      'ValidationError input,slowModeSeconds OUT_OF_RANGE',
    ]);
    for (const unknown of [newId('Room'), 'rom_nonsense', ''])
      assert.deepEqual(await refusals(chat, owner, 'updateRoom', { input: { roomId: unknown } }), [
        'NotFoundError input,roomId',
      ]);
  });

  it('hides a private room and what is in it from everyone but its members', async () => {
    const [owner, member, stranger] = [newUser(), newUser(), newUser()];
    const roomId = await openChannel(chat, [owner, member], { visibility: 'PRIVATE' });
    const query = `query ($id: ID!) { room(id: $id) { id } }`;
    assert.equal((await chat.data(member, query, { id: roomId })).room.id, roomId);
    for (const caller of [stranger, null])
      assert.equal((await chat.data(caller, query, { id: roomId })).room, null);
    assert.deepEqual(await refusals(chat, stranger, 'joinRoom', { roomId }), ['NotFoundError roomId']);
    assert.deepEqual(await refusals(chat, stranger, 'leaveRoom', { roomId }), ['NotFoundError roomId']);
    assert.deepEqual(await refusals(chat, stranger, 'setTyping', { roomId }), ['NotFoundError roomId']);
  });

  it('lets anyone read public and unlisted rooms, and lists only the public ones', async () => {
    const owner = newUser();
    const listed = await openChannel(chat, [owner], { name: 'Ünlisted no' });
    const unlisted = await openChannel(chat, [owner], { name: 'Ünlisted yes', visibility: 'UNLISTED' });
    const query = `query ($id: ID!) { room(id: $id) { viewerPermissions } publicRooms(query: "ÜNLISTED") { nodes { id } } }`;
    const { room, publicRooms } = await chat.data(null, query, { id: unlisted });
    assert.deepEqual(room.viewerPermissions, ['VIEW']);
    assert.deepEqual(publicRooms.nodes, [{ id: listed }]);
  });

  it('searches name and topic for the text as it is, wildcards included', async () => {
    const owner = newUser();
    const percent = await openChannel(chat, [owner], { name: 'humidity', topic: '100% tape_hiss' });
    const found = async (query: string) =>
      (
        await chat.data(null, `query ($query: String) { publicRooms(query: $query) { nodes { id } } }`, {
          query,
        })
      ).publicRooms.nodes;
    assert.deepEqual(await found('100%'), [{ id: percent }]);
    assert.deepEqual(await found('tape_h'), [{ id: percent }]);
    assert.deepEqual(await found('humid%ity'), []);
  });

  it('pages through public rooms both ways without losing or repeating one', async () => {
    const owner = newUser();
    const ids: string[] = [];
    for (let index = 0; index < 5; index++)
      ids.push(await openChannel(chat, [owner], { name: `paged ${index}` }));
    const page = async (args: string) =>
      (
        await chat.data(
          null,
          `{ publicRooms(query: "paged", ${args}) { nodes { id } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
        )
      ).publicRooms;
    const first = await page('first: 2');
    const second = await page(`first: 3, after: "${first.pageInfo.endCursor}"`);
    assert.deepEqual(
      [...first.nodes, ...second.nodes].map(({ id }) => id),
      ids.toSorted().toReversed(),
    );
    assert.deepEqual([first.pageInfo.hasNextPage, second.pageInfo.hasNextPage], [true, false]);
    const back = await page(`last: 2, before: "${second.pageInfo.startCursor}"`);
    assert.deepEqual(back.nodes, first.nodes);
  });

  it('refuses pages that are none with a code, whatever list they are for', async () => {
    const owner = newUser();
    const id = await openChannel(chat, [owner]);
    const foreign = Buffer.from('["x"]').toString('base64url');
    const lists = ['members', 'messages', 'bannedUsers'];
    for (const args of [
      'first: 0',
      'first: 101',
      'first: -1',
      `first: 1, after: "${foreign}"`,
      'first: 1, after: "%%%"',
    ])
      for (const list of lists) {
        const { errors } = await chat.run(
          owner,
          `query ($id: ID!) { room(id: $id) { ${list}(${args}) { nodes { __typename } } } }`,
          { id },
        );
        assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT', `${list}(${args})`);
      }
  });
});
