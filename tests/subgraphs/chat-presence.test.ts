import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { presenceTopic } from '../../subgraphs/chat/service/presence-keeper.ts';
import { PresenceWatch } from '../../subgraphs/chat/service/presence-watch.ts';
import { createProbe } from '../support/events.ts';
import { UPSTREAMS } from '../support/subgraph-upstreams.ts';
import { must, newUser, openChannel, refusals, startChat, tellBlock, type Chat } from './chat-kit.ts';
import { endOf, take, until } from './result-streams.ts';

async function forward<T>(source: AsyncIterable<T>, to: (value: T) => void): Promise<void> {
  for await (const value of source) to(value);
}

const PRESENCE = `query ($refs: [_Any!]!) { _entities(representations: $refs) { ... on User { presence { status activity lastActiveAt } } } }`;
const WATCH = `subscription ($userIds: [ID!]!) { presence(userIds: $userIds) { id presence { status activity } } }`;

for (const upstream of UPSTREAMS)
  describe(`presence by ${upstream}`, () => {
    let chat: Chat;
    let nowMs = Date.now();
    before(async () => void (chat = await startChat({ upstream, now: () => new Date(nowMs) })));
    after(() => chat.close());

    const presenceOf = async (caller: string | null, id: string) =>
      (await chat.data(caller, PRESENCE, { refs: [{ __typename: 'User', id }] }))._entities[0].presence;
    const statusOf = async (id: string) => (await presenceOf(null, id)).status;

    it('shows what someone said for a minute, and then that they were here', async () => {
      const person = newUser();
      assert.deepEqual(await presenceOf(null, person), {
        status: 'OFFLINE',
        activity: null,
        lastActiveAt: null,
      });
      const { presence } = await must(chat, person, 'setPresence', { status: 'IDLE', activity: ' mixing ' });
      const lastActiveAt = new Date(nowMs).toISOString();
      assert.deepEqual(presence, { status: 'IDLE', activity: 'mixing', lastActiveAt });
      nowMs += 59_999;
      assert.deepEqual(await presenceOf(null, person), presence);
      nowMs += 1;
      assert.deepEqual(await presenceOf(null, person), { status: 'OFFLINE', activity: null, lastActiveAt });
      assert.deepEqual(
        await refusals(chat, person, 'setPresence', { status: 'ONLINE', activity: 'x'.repeat(101) }),
        ['ValidationError activity TOO_LONG'],
      );
    });

    it('shows people who opened a subscription as online [F03], unless they chose to be unseen', async () => {
      const [owner, hidden] = [newUser(), newUser()];
      const roomId = await openChannel(chat, [owner, hidden]);
      await must(chat, hidden, 'setPresence', { status: 'OFFLINE' });
      const query = `subscription ($roomId: ID!) { roomEvents(roomId: $roomId) { seq } }`;
      const streams = [
        await chat.subscribe(owner, query, { roomId }),
        await chat.subscribe(hidden, query, { roomId }),
      ];
      assert.deepEqual([await statusOf(owner), await statusOf(hidden)], ['ONLINE', 'OFFLINE']);
      for (const stream of streams) await stream.return();
      nowMs += 60_000;
      assert.equal(await statusOf(owner), 'OFFLINE');
    });

    it('is OFFLINE to those whom the person blocked, and to nobody else', async () => {
      const [person, blocked, friend] = [newUser(), newUser(), newUser()];
      await must(chat, person, 'setPresence', { status: 'ONLINE' });
      await tellBlock(chat, 'user.blocked', person, blocked, 1);
      assert.deepEqual(await presenceOf(blocked, person), {
        status: 'OFFLINE',
        activity: null,
        lastActiveAt: null,
      });
      assert.equal((await presenceOf(friend, person)).status, 'ONLINE');
      await tellBlock(chat, 'user.unblocked', person, blocked, 2);
      assert.equal((await presenceOf(blocked, person)).status, 'ONLINE');
    });

    it('is told to watchers at once and with each change', async () => {
      const [watcher, person] = [newUser(), newUser()];
      const stream = await chat.subscribe(watcher, WATCH, { userIds: [person, person] });
      const next = async () => (await take(stream, 1))[0]?.['presence'];
      assert.deepEqual(await next(), { id: person, presence: { status: 'OFFLINE', activity: null } });
      await must(chat, person, 'setPresence', { status: 'DND', activity: 'recording' });
      assert.deepEqual(await next(), { id: person, presence: { status: 'DND', activity: 'recording' } });
      await must(chat, person, 'setPresence', { status: 'DND', activity: 'recording' });
      await must(chat, person, 'setPresence', { status: 'ONLINE' });
      assert.deepEqual(await next(), { id: person, presence: { status: 'ONLINE', activity: null } });
      const waiting = stream.next();
      await stream.return();
      assert.equal((await waiting).done, true);
    });

    it('is hinted at where it changes, and not by those who watch each other', async () => {
      const [a, b] = [newUser(), newUser()];
      const hints = createProbe<unknown>();
      for (const person of [a, b])
        void forward(await chat.liveBus.subscribe(presenceTopic(person)), hints.add);
      const streams = [
        await chat.subscribe(a, WATCH, { userIds: [a, b] }),
        await chat.subscribe(b, WATCH, { userIds: [b, a] }),
      ];
      for (const activity of ['one', 'two', 'three']) {
        await must(chat, a, 'setPresence', { status: 'DND', activity });
        for (const stream of streams) {
          let [seen] = await take(stream, 1);
          while (seen.presence.presence.activity !== activity) [seen] = await take(stream, 1);
        }
      }
      // Two who came, and three who said something.
      assert.equal(hints.values.length, 5);
      await Promise.all(streams.map((stream) => stream.return()));
    });

    it('tells watchers of a sign of life that expired, and of a change whose hint was lost', async () => {
      const [person, viewerId] = [newUser(), newUser()];
      await must(chat, person, 'setPresence', { status: 'ONLINE' });
      const { database, log, now } = chat.open.foundation;
      const watch = new PresenceWatch({ database, log, now, viewerId, userIds: [person], pollMs: 1 });
      const keepAlive = setInterval(() => undefined, 1_000);
      try {
        assert.deepEqual((await watch.next()).value, { id: person });
        const expiry = watch.next();
        nowMs += 60_000;
        assert.deepEqual((await expiry).value, { id: person });
        assert.equal(await statusOf(person), 'OFFLINE');
      } finally {
        clearInterval(keepAlive);
        await watch.return();
      }
    });

    it('is refused for ids that are none, too many ids, and callers who are not signed in', async () => {
      const viewer = newUser();
      for (const userIds of [['nonsense'], Array.from({ length: 101 }, newUser)])
        await assert.rejects(chat.subscribe(viewer, WATCH, { userIds }), /NOT_FOUND|BAD_USER_INPUT/);
      await assert.rejects(chat.subscribe(null, WATCH, { userIds: [viewer] }), /UNAUTHENTICATED/);
    });
  });

for (const upstream of UPSTREAMS)
  describe(`typing by ${upstream}`, () => {
    let chat: Chat;
    let nowMs = Date.now();
    before(async () => void (chat = await startChat({ upstream, now: () => new Date(nowMs) })));
    after(() => chat.close());

    const TYPING = `subscription ($roomId: ID!) { typing(roomId: $roomId) { userId roomId until } }`;

    it('is told to the other members once in a while, until when to show it', async () => {
      const [a, b] = [newUser(), newUser()];
      const roomId = await openChannel(chat, [a, b]);
      const stream = await chat.subscribe(a, TYPING, { roomId });
      const type = async (caller: string) => (await must(chat, caller, 'setTyping', { roomId })).until;
      await type(a);
      const until = await type(b);
      assert.equal(await type(b), until);
      const signal = async () => (await take(stream, 1))[0]?.['typing'];
      assert.deepEqual(await signal(), { userId: b, roomId, until });
      nowMs += 3_000;
      const extended = await type(b);
      assert.notEqual(extended, until);
      assert.deepEqual(await signal(), { userId: b, roomId, until: extended });
      await stream.return();
    });

    it('is for members only, and ends for who is removed', async () => {
      const [owner, member, stranger] = [newUser(), newUser(), newUser()];
      const roomId = await openChannel(chat, [owner, member]);
      await assert.rejects(chat.subscribe(stranger, TYPING, { roomId }), /FORBIDDEN/);
      assert.deepEqual(await refusals(chat, stranger, 'setTyping', { roomId }), ['ForbiddenError - SEND']);
      const stream = await chat.subscribe(member, TYPING, { roomId });
      await must(chat, owner, 'kickMember', { roomId, userId: member });
      assert.equal(await endOf(stream), 'FORBIDDEN Only members can do this.');
    });

    it('gives a reader who is slow the newest signal of each person', async () => {
      const [reader, ...typers] = Array.from({ length: 4 }, newUser);
      const roomId = await openChannel(chat, [reader!, ...typers]);
      const stream = await chat.subscribe(reader!, TYPING, { roomId });
      const newest = new Map<string, string>();
      for (let round = 0; round < 5; round += 1) {
        nowMs += 3_000;
        for (const typer of typers)
          newest.set(typer, (await must(chat, typer, 'setTyping', { roomId })).until);
      }
      const seen = new Map<string, string>();
      while (typers.some((typer) => seen.get(typer) !== newest.get(typer))) {
        const [{ typing }] = await take(stream, 1);
        seen.set(typing.userId, typing.until);
      }
      await stream.return();
    });
  });

describe('blocks', () => {
  let chat: Chat;
  before(async () => void (chat = await startChat()));
  after(() => chat.close());

  it('close a direct room for both until they are lifted, and keep what was written', async () => {
    const [a, b] = [newUser(), newUser()];
    const input = { kind: 'DIRECT', memberIds: [b] };
    const { room } = await must(chat, a, 'createRoom', { input });
    const message = { roomId: room.id, content: 'hi', clientNonce: 'first' };
    const sent = (await must(chat, a, 'sendMessage', { input: message })).message;
    await tellBlock(chat, 'user.blocked', b, a, 1);
    for (const caller of [a, b]) {
      assert.deepEqual(
        await refusals(chat, caller, 'sendMessage', { input: { ...message, clientNonce: 'x' } }),
        ['ForbiddenError - SEND'],
      );
      assert.deepEqual(await refusals(chat, caller, 'addReaction', { messageId: sent.id, emoji: '🔥' }), [
        'ForbiddenError - REACT',
      ]);
      assert.deepEqual(await refusals(chat, caller, 'setTyping', { roomId: room.id }), [
        'ForbiddenError - SEND',
      ]);
      const { message: kept } = await chat.data(caller, `query ($id: ID!) { message(id: $id) { content } }`, {
        id: sent.id,
      });
      assert.equal(kept.content, 'hi');
    }
    assert.deepEqual(await refusals(chat, a, 'createRoom', { input }), ['ForbiddenError input,memberIds']);
    await tellBlock(chat, 'user.unblocked', b, a, 2);
    await until(
      async () =>
        (await refusals(chat, a, 'sendMessage', { input: { ...message, clientNonce: 'y' } })).length === 0,
    );
    assert.equal((await must(chat, a, 'createRoom', { input })).room.id, room.id);
  });

  it('keep people from adding each other to rooms, and leave shared channels alone', async () => {
    const [a, b] = [newUser(), newUser()];
    await tellBlock(chat, 'user.blocked', a, b, 1);
    assert.deepEqual(await refusals(chat, b, 'createRoom', { input: { kind: 'GROUP', memberIds: [a] } }), [
      'ForbiddenError input,memberIds',
    ]);
    const roomId = await openChannel(chat, [b]);
    assert.deepEqual(await refusals(chat, b, 'addMember', { roomId, userId: a }), ['ForbiddenError userId']);
    await must(chat, a, 'joinRoom', { roomId });
    await must(chat, a, 'sendMessage', { input: { roomId, content: 'hi', clientNonce: 'n' } });
  });
});
