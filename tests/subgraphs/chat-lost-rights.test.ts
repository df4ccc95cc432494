import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { redisLiveBus } from '#platform/events/live-bus-redis.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { newId } from '#platform/ids.ts';
import { silentLog } from '../support/events.ts';
import { services, skipWithout } from '../support/services.ts';
import { must, newUser, openChannel, refusals, say, startChat, tellBlock, type Chat } from './chat-kit.ts';
import { endOf, take } from './result-streams.ts';

const ROOM = `subscription ($id: ID!) { roomEvents(roomId: $id) { __typename ... on MembershipChanged { change } } }`;
const TYPING = `subscription ($id: ID!) { typing(roomId: $id) { userId } }`;
const PRESENCE = `subscription ($ids: [ID!]!) { presence(userIds: $ids) { id presence { status } } }`;
const BLOCKED = 'FORBIDDEN One of you has blocked the other.';
/** Rights are looked at every 5 s in any case: what is told sooner was told by a live message. */
const BEFORE_ANY_POLL_MS = 4_500;

const ways = [
  { upstream: 'socket', bus: 'memory', liveBus: async () => memoryLiveBus(), skip: false },
  { upstream: 'polls', bus: 'memory', liveBus: async () => memoryLiveBus(), skip: false },
  { upstream: 'socket', bus: 'Redis', liveBus: openRedis, skip: skipWithout('redisUrl') },
] as const;

function openRedis(): Promise<LiveBus> {
  return redisLiveBus({ url: services.redisUrl ?? '', log: silentLog, namespace: newId('Event') });
}

for (const { upstream, bus, liveBus, skip } of ways)
  describe(`losing rights in chat, by ${upstream} and with live messages over ${bus}`, { skip }, () => {
    let chat: Chat;
    before(async () => void (chat = await startChat({ upstream, liveBus: await liveBus() })));
    after(() => chat.close());

    it('ends typing with the reason for who leaves, is kicked or is banned', async () => {
      const reasons = {
        leaveRoom: 'Only members can do this.',
        kickMember: 'Only members can do this.',
        banMember: 'You were banned from this room.',
      };
      for (const removal of ['leaveRoom', 'kickMember', 'banMember'] as const) {
        const [owner, member] = [newUser(), newUser()];
        const roomId = await openChannel(chat, [owner, member]);
        const actor = removal === 'leaveRoom' ? member : owner;
        const begunMs = performance.now();
        const end = endOf(await chat.subscribe(member, TYPING, { id: roomId }));
        await must(chat, actor, removal, { roomId, userId: member });
        assert.equal(await end, `FORBIDDEN ${reasons[removal]}`);
        assert.ok(performance.now() - begunMs < BEFORE_ANY_POLL_MS);
      }
    });

    it('leaves the typing of others alone when somebody else goes', async () => {
      const [owner, member, leaver] = [newUser(), newUser(), newUser()];
      const roomId = await openChannel(chat, [owner, member, leaver]);
      const stream = await chat.subscribe(member, TYPING, { id: roomId });
      await must(chat, leaver, 'leaveRoom', { roomId });
      await must(chat, owner, 'setTyping', { roomId });
      assert.deepEqual(await take(stream, 1), [{ typing: { userId: owner } }]);
      await stream.return();
    });

    it('ends what both follow in a direct room when one blocks the other, and lets nobody in until it is undone', async () => {
      const [a, b] = [newUser(), newUser()];
      const { room } = await must(chat, a, 'createRoom', { input: { kind: 'DIRECT', memberIds: [b] } });
      await say(chat, a, room.id, 'hi');
      const begunMs = performance.now();
      const streams = await Promise.all(
        [a, b].flatMap((viewer) =>
          [ROOM, TYPING].map((query) => chat.subscribe(viewer, query, { id: room.id })),
        ),
      );
      const ends = Promise.all(streams.map(endOf));
      await tellBlock(chat, 'user.blocked', b, a, 1);
      assert.deepEqual(await ends, [BLOCKED, BLOCKED, BLOCKED, BLOCKED]);
      assert.ok(performance.now() - begunMs < BEFORE_ANY_POLL_MS);
      for (const query of [ROOM, TYPING])
        await assert.rejects(chat.subscribe(a, query, { id: room.id }), /FORBIDDEN/);
      await tellBlock(chat, 'user.unblocked', b, a, 2);
      const again = await chat.subscribe(a, ROOM, { id: room.id });
      await say(chat, b, room.id, 'friends again');
      assert.equal((await take(again, 1))[0].roomEvents.__typename, 'MessageCreated');
      await again.return();
    });

    it('leaves other rooms of the two alone when one blocks the other', async () => {
      const [a, b] = [newUser(), newUser()];
      const roomId = await openChannel(chat, [a, b]);
      const streams = [
        await chat.subscribe(a, ROOM, { id: roomId }),
        await chat.subscribe(b, TYPING, { id: roomId }),
      ];
      await tellBlock(chat, 'user.blocked', b, a, 1);
      await say(chat, a, roomId, 'still here');
      await must(chat, a, 'setTyping', { roomId });
      assert.equal((await take(streams[0]!, 1))[0].roomEvents.__typename, 'MessageCreated');
      assert.equal((await take(streams[1]!, 1))[0].typing.userId, a);
      for (const stream of streams) await stream.return();
    });

    it('shows whoever blocks the viewer as OFFLINE at once, and goes on: that it is a block is nobody else’s business', async () => {
      const [viewer, blocker, friend] = [newUser(), newUser(), newUser()];
      for (const person of [blocker, friend]) await must(chat, person, 'setPresence', { status: 'ONLINE' });
      const begunMs = performance.now();
      const stream = await chat.subscribe(viewer, PRESENCE, { ids: [blocker, friend] });
      const shown = async () => (await take(stream, 1))[0].presence;
      for (const id of [blocker, friend])
        assert.deepEqual(await shown(), { id, presence: { status: 'ONLINE' } });
      await tellBlock(chat, 'user.blocked', blocker, viewer, 1);
      assert.deepEqual(await shown(), { id: blocker, presence: { status: 'OFFLINE' } });
      assert.ok(performance.now() - begunMs < BEFORE_ANY_POLL_MS);
      await must(chat, friend, 'setPresence', { status: 'DND' });
      assert.deepEqual(await shown(), { id: friend, presence: { status: 'DND' } });
      await tellBlock(chat, 'user.unblocked', blocker, viewer, 2);
      assert.deepEqual(await shown(), { id: blocker, presence: { status: 'ONLINE' } });
      await stream.return();
    });
  });

describe('losing rights in chat while live messages get lost', () => {
  it('is noticed all the same, a few seconds later', async () => {
    const memory = memoryLiveBus();
    const deaf: LiveBus = { ...memory, publish: async () => undefined };
    const chat = await startChat({ liveBus: deaf });
    const [owner, member] = [newUser(), newUser()];
    const roomId = await openChannel(chat, [owner, member], { visibility: 'PRIVATE' });
    const { room } = await must(chat, owner, 'createRoom', {
      input: { kind: 'DIRECT', memberIds: [member] },
    });
    const inRoom = await chat.subscribe(member, ROOM, { id: roomId });
    const typing = await chat.subscribe(member, TYPING, { id: roomId });
    const direct = await chat.subscribe(member, ROOM, { id: room.id });
    await must(chat, owner, 'kickMember', { roomId, userId: member });
    await tellBlock(chat, 'user.blocked', owner, member, 1);
    const [event] = await take(inRoom, 1);
    assert.deepEqual(event.roomEvents, { __typename: 'MembershipChanged', change: 'KICKED' });
    assert.deepEqual(await Promise.all([inRoom, typing, direct].map(endOf)), [
      'FORBIDDEN This room is for its members only.',
      'FORBIDDEN This room is for its members only.',
      BLOCKED,
    ]);
    assert.deepEqual(await refusals(chat, member, 'setTyping', { roomId: room.id }), [
      'ForbiddenError - SEND',
    ]);
    await chat.close();
  });
});
