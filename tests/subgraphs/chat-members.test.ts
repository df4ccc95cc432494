import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { logOf, must, newUser, openChannel, refusals, say, startChat, type Chat } from './chat-kit.ts';

describe('members of rooms', () => {
  let chat: Chat;
  before(async () => void (chat = await startChat()));
  after(() => chat.close());

  const countOf = async (roomId: string) => {
    const query = `query ($id: ID!) { room(id: $id) { memberCount members(first: 100) { nodes { role user { id } } } } }`;
    const { room } = await chat.data(null, query, { id: roomId });
    assert.equal(room.memberCount, room.members.nodes.length);
    return room.memberCount;
  };

  it('counts someone who joins many times at once as one', async () => {
    const [owner, joiner] = [newUser(), newUser()];
    const roomId = await openChannel(chat, [owner]);
    await Promise.all(Array.from({ length: 6 }, () => must(chat, joiner, 'joinRoom', { roomId })));
    assert.equal(await countOf(roomId), 2);
    assert.deepEqual(await logOf(chat, roomId), ['room.created', 'room.memberJoined', 'room.memberJoined']);
  });

  it('keeps the last owner until someone else is one, also when two owners leave at once', async () => {
    const [first, second, third] = [newUser(), newUser(), newUser()];
    const roomId = await openChannel(chat, [first, second, third]);
    assert.deepEqual(await refusals(chat, first, 'leaveRoom', { roomId }), ['ConflictError roomId']);
    await must(chat, first, 'setMemberRole', { roomId, userId: second, role: 'OWNER' });
    const outcomes = await Promise.all(
      [first, second].map((caller) => refusals(chat, caller, 'leaveRoom', { roomId })),
    );
    assert.deepEqual(outcomes.flat(), ['ConflictError roomId']);
    assert.equal(await countOf(roomId), 2);
  });

  it('makes whoever joins an empty room its owner', async () => {
    const [owner, next] = [newUser(), newUser()];
    const roomId = await openChannel(chat, [owner]);
    await must(chat, owner, 'leaveRoom', { roomId });
    assert.equal((await must(chat, next, 'joinRoom', { roomId })).membership.role, 'OWNER');
  });

  it('does not let anyone leave a direct room, or leave where they are not', async () => {
    const [a, b] = [newUser(), newUser()];
    const { room } = await must(chat, a, 'createRoom', { input: { kind: 'DIRECT', memberIds: [b] } });
    assert.deepEqual(await refusals(chat, a, 'leaveRoom', { roomId: room.id }), ['ForbiddenError roomId']);
    const roomId = await openChannel(chat, [a]);
    assert.deepEqual(await refusals(chat, b, 'leaveRoom', { roomId }), ['ForbiddenError roomId']);
  });

  it('takes a private room out of sight of who leaves it', async () => {
    const [owner, member] = [newUser(), newUser()];
    const { room } = await must(chat, owner, 'createRoom', { input: { kind: 'GROUP', memberIds: [member] } });
    assert.equal((await must(chat, member, 'leaveRoom', { roomId: room.id })).room, null);
  });

  it('adds people to private rooms: in groups anyone may, in channels moderators', async () => {
    const [owner, member, guest] = [newUser(), newUser(), newUser()];
    const group = (await must(chat, owner, 'createRoom', { input: { kind: 'GROUP', memberIds: [member] } }))
      .room.id;
    const { membership } = await must(chat, member, 'addMember', { roomId: group, userId: guest });
    assert.deepEqual([membership.role, membership.user.id], ['MEMBER', guest]);
    await must(chat, member, 'addMember', { roomId: group, userId: guest });
    assert.equal((await logOf(chat, group)).length, 4);

    const channel = await openChannel(chat, [owner, member], { visibility: 'PRIVATE' });
    const variables = { roomId: channel, userId: guest };
    assert.deepEqual(await refusals(chat, member, 'addMember', variables), ['ForbiddenError - ADD_MEMBER']);
    assert.deepEqual(await refusals(chat, guest, 'addMember', variables), ['NotFoundError roomId']);
    assert.deepEqual(await refusals(chat, owner, 'addMember', { roomId: channel, userId: 'usr_?' }), [
      'NotFoundError userId',
    ]);
    await must(chat, owner, 'addMember', variables);
  });

  it('fills a group up to a hundred people and no further, also with two additions at once', async () => {
    const owner = newUser();
    const memberIds = Array.from({ length: 98 }, newUser);
    const { room } = await must(chat, owner, 'createRoom', { input: { kind: 'GROUP', memberIds } });
    const outcomes = await Promise.all(
      [newUser(), newUser()].map((userId) => refusals(chat, owner, 'addMember', { roomId: room.id, userId })),
    );
    assert.deepEqual(outcomes.flat(), ['ValidationError userId TOO_MANY']);
  });

  it('gives roles within the rights of who gives them', async () => {
    const [owner, admin, member] = [newUser(), newUser(), newUser()];
    const roomId = await openChannel(chat, [owner, admin, member]);
    const set = (caller: string, userId: string, role: string) =>
      refusals(chat, caller, 'setMemberRole', { roomId, userId, role });
    assert.deepEqual(await set(member, admin, 'MEMBER'), ['ForbiddenError - MANAGE_ROLES']);
    assert.deepEqual(await set(owner, admin, 'ADMIN'), []);
    assert.deepEqual(await set(admin, member, 'MODERATOR'), []);
    assert.deepEqual(await set(admin, member, 'ADMIN'), ['ForbiddenError role']);
    assert.deepEqual(await set(admin, owner, 'MEMBER'), ['ForbiddenError role']);
    assert.deepEqual(await set(owner, owner, 'MEMBER'), ['ConflictError role']);
    assert.deepEqual(await set(owner, newUser(), 'MEMBER'), ['NotFoundError userId']);
    assert.deepEqual(await set(admin, member, 'MODERATOR'), []);
    assert.equal((await logOf(chat, roomId)).filter((name) => name === 'room.memberRoleChanged').length, 2);
    const { errors } = await chat.run(
      owner,
      `mutation { setMemberRole(roomId: "x", userId: "y", role: KING) { userErrors { message } } }`,
    );
    assert.equal(errors?.[0]?.extensions?.['code'], 'GRAPHQL_VALIDATION_FAILED');
  });

  it('removes lower roles only, who may come back unless they are banned', async () => {
    const [owner, moderator, member] = [newUser(), newUser(), newUser()];
    const roomId = await openChannel(chat, [owner, moderator, member]);
    await must(chat, owner, 'setMemberRole', { roomId, userId: moderator, role: 'MODERATOR' });
    assert.deepEqual(await refusals(chat, member, 'kickMember', { roomId, userId: moderator }), [
      'ForbiddenError - KICK',
    ]);
    assert.deepEqual(await refusals(chat, moderator, 'kickMember', { roomId, userId: owner }), [
      'ForbiddenError userId',
    ]);
    assert.deepEqual(await refusals(chat, moderator, 'banMember', { roomId, userId: owner }), [
      'ForbiddenError userId',
    ]);
    assert.deepEqual(await refusals(chat, moderator, 'banMember', { roomId, userId: moderator }), [
      'ValidationError userId SELF',
    ]);
    await must(chat, moderator, 'kickMember', { roomId, userId: member });
    assert.deepEqual(await refusals(chat, moderator, 'kickMember', { roomId, userId: member }), [
      'NotFoundError userId',
    ]);
    await must(chat, member, 'joinRoom', { roomId });
    await must(chat, moderator, 'banMember', { roomId, userId: member });
    await must(chat, moderator, 'banMember', { roomId, userId: member });
    assert.deepEqual(await refusals(chat, member, 'joinRoom', { roomId }), ['ForbiddenError roomId']);
    assert.deepEqual(await refusals(chat, owner, 'addMember', { roomId, userId: member }), [
      'ForbiddenError userId BAN',
    ]);
    assert.equal(await countOf(roomId), 2);
    await must(chat, moderator, 'unbanMember', { roomId, userId: member });
    await must(chat, member, 'joinRoom', { roomId });
    assert.deepEqual((await logOf(chat, roomId)).slice(-6), [
      'room.memberRoleChanged',
      'room.memberLeft',
      'room.memberJoined',
      'room.memberLeft',
      'room.memberUnbanned',
      'room.memberJoined',
    ]);
  });

  it('keeps out people who were never in, and shows the list to those who may ban', async () => {
    const [owner, member, troll] = [newUser(), newUser(), newUser()];
    const roomId = await openChannel(chat, [owner, member]);
    await must(chat, owner, 'banMember', { roomId, userId: troll });
    assert.deepEqual(await refusals(chat, troll, 'joinRoom', { roomId }), ['ForbiddenError roomId']);
    const query = `query ($id: ID!) { room(id: $id) { bannedUsers { nodes { user { id } bannedBy { id } } } } }`;
    assert.equal((await chat.data(member, query, { id: roomId })).room.bannedUsers, null);
    assert.deepEqual((await chat.data(owner, query, { id: roomId })).room.bannedUsers.nodes, [
      { user: { id: troll }, bannedBy: { id: owner } },
    ]);
  });

  it('lets who was removed write no more, not even with a message sent at the same moment', async () => {
    const [owner, member] = [newUser(), newUser()];
    const roomId = await openChannel(chat, [owner, member]);
    await must(chat, owner, 'kickMember', { roomId, userId: member });
    const input = { roomId, content: 'still here?', clientNonce: 'late' };
    assert.deepEqual(await refusals(chat, member, 'sendMessage', { input }), ['ForbiddenError - SEND']);
    await must(chat, member, 'joinRoom', { roomId });
    const sends = Array.from({ length: 5 }, (_, index) =>
      refusals(chat, member, 'sendMessage', { input: { ...input, clientNonce: `race ${index}` } }),
    );
    await Promise.all([...sends, must(chat, owner, 'kickMember', { roomId, userId: member })]);
    const log = await logOf(chat, roomId);
    assert.ok(log.lastIndexOf('message.created') < log.lastIndexOf('room.memberLeft'));
  });

  it('counts unread messages for their reader alone, and moves the marker only forward [F05]', async () => {
    const [a, b] = [newUser(), newUser()];
    const { room } = await must(chat, a, 'createRoom', { input: { kind: 'GROUP', memberIds: [b] } });
    for (const text of ['one', 'two', 'three']) await say(chat, a, room.id, text);
    const read = async (upToSeq: number) =>
      (await must(chat, b, 'markRead', { roomId: room.id, upToSeq })).membership;
    const { lastReadSeq, unreadCount } = await read(2);
    assert.deepEqual([lastReadSeq, unreadCount], [2, 1]);
    assert.equal((await read(1)).lastReadSeq, 2);
    assert.equal((await read(2_000_000_000)).lastReadSeq, 3);
    assert.equal((await logOf(chat, room.id)).filter((name) => name === 'room.readMarkerMoved').length, 2);
    const query = `query ($id: ID!) { room(id: $id) { members { nodes { user { id } lastReadSeq unreadCount } } } }`;
    const { nodes } = (await chat.data(a, query, { id: room.id })).room.members;
    const other = nodes.find((member: { user: { id: string } }) => member.user.id === b);
    assert.deepEqual([other.lastReadSeq, other.unreadCount], [3, null]);
    assert.deepEqual(await refusals(chat, b, 'markRead', { roomId: room.id, upToSeq: -1 }), [
      'ValidationError upToSeq OUT_OF_RANGE',
    ]);
  });

  it('keeps what one has read in a channel to oneself, and out of the log', async () => {
    const [owner, member] = [newUser(), newUser()];
    const roomId = await openChannel(chat, [owner, member]);
    await say(chat, owner, roomId, 'hello');
    await must(chat, member, 'markRead', { roomId, upToSeq: 1 });
    assert.equal((await logOf(chat, roomId)).at(-1), 'message.created');
    const query = `query ($id: ID!) { room(id: $id) { members { nodes { user { id } lastReadSeq } } } }`;
    const { nodes } = (await chat.data(owner, query, { id: roomId })).room.members;
    assert.equal(nodes.find((node: { user: { id: string } }) => node.user.id === member).lastReadSeq, null);
    assert.deepEqual(await refusals(chat, newUser(), 'markRead', { roomId, upToSeq: 1 }), [
      'ForbiddenError roomId',
    ]);
  });
});
