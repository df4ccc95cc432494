import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { encodeCursor } from '#platform/events/cursor.ts';
import { newId } from '#platform/ids.ts';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { startChatInstances, type ChatInstances } from '../support/chat-instances.ts';
import { seededRandom } from '../support/random.ts';
import { take as takeData } from '../subgraphs/result-streams.ts';
import { services, skipWithout } from '../support/services.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';

const BEGINNING = encodeCursor({ epoch: 0, seq: 0 });
const EVENTS = `subscription ($roomId: ID!, $after: EventCursor) {
  roomEvents(roomId: $roomId, after: $after) { seq __typename ... on MessageCreated { message { content } } }
}`;
const TYPING = `subscription ($roomId: ID!) { typing(roomId: $roomId) { userId } }`;
const CREATE = `mutation ($input: CreateRoomInput!) { createRoom(input: $input) { room { id } userErrors { message } } }`;
const SAY = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } userErrors { message } } }`;
const KICK = `mutation ($roomId: ID!, $userId: ID!) { kickMember(roomId: $roomId, userId: $userId) { userErrors { message } } }`;
const JOIN = `mutation ($roomId: ID!) { joinRoom(roomId: $roomId) { userErrors { message } } }`;
const TYPE = `mutation ($roomId: ID!) { setTyping(roomId: $roomId) { userErrors { message } } }`;

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));

describe(
  'subscriptions by polls, over two instances of a subgraph',
  { skip: skipWithout('redisUrl') },
  () => {
    let chat: ChatInstances;
    before(async () => void (chat = await startChatInstances(2)));
    after(() => chat.close());

    let messages = 0;
    const say = async (instance: number, userId: string, roomId: string) => {
      messages += 1;
      const input = { roomId, content: `message ${messages}`, clientNonce: `nonce-${messages}` };
      await chat.run(instance, userId, SAY, { input });
    };
    const openRoom = async (owner: string, members: string[] = [], visibility = 'PUBLIC') => {
      const input = { kind: 'CHANNEL', name: 'loops', memberIds: members, visibility };
      const { room } = await chat.run(0, owner, CREATE, { input });
      return String(room.id);
    };

    it('bring every event, whichever instance wrote it and whichever is polled', async () => {
      const owner = newId('User');
      const roomId = await openRoom(owner);
      const gateway = await chat.gateway();
      const stream = await gateway.subscribe(owner, EVENTS, { roomId });
      for (let n = 0; n < 6; n++) {
        await say(n % 2, owner, roomId);
        const event = await next(stream);
        assert.deepEqual([event.seq, event.message.content], [n + 3, `message ${messages}`]);
      }
      const shares = chat.instances.map(({ port }) => chat.balancer.requests.get(port) ?? 0);
      assert.ok(
        shares.every((share) => share >= 3),
        `requests to the instances: ${String(shares)}`,
      );
      await stream.return();
      await gateway.close();
    });

    it('live through one instance being stopped, then the other, without the reader noticing', async () => {
      const owner = newId('User');
      const roomId = await openRoom(owner);
      const gateway = await chat.gateway();
      const [stream, typing] = [
        await gateway.subscribe(owner, EVENTS, { roomId }),
        await gateway.subscribe(owner, TYPING, { roomId }),
      ];
      for (const [stopped, writer] of [
        [0, 1],
        [1, 0],
      ] as const) {
        await chat.instances[stopped]!.stop();
        for (let n = 0; n < 3; n++) {
          await say(writer, owner, roomId);
          assert.equal((await next(stream)).message.content, `message ${messages}`);
        }
        await chat.instances[stopped]!.serve();
      }
      const other = newId('User');
      await chat.run(0, other, JOIN, { roomId });
      await chat.run(1, other, TYPE, { roomId });
      assert.deepEqual((await takeData(typing, 1))[0], { typing: { userId: other } });
      await Promise.all([stream.return(), typing.return()]);
      await gateway.close();
    });

    it('end with the reason, behind the event that led to it, for who loses the right between two polls', async () => {
      const [owner, member] = [newId('User'), newId('User')];
      const roomId = await openRoom(owner, [member], 'PRIVATE');
      const gateway = await chat.gateway();
      const stream = await gateway.subscribe(member, EVENTS, { roomId });
      await chat.run(0, owner, KICK, { roomId, userId: member });
      await say(1, owner, roomId);
      assert.equal((await next(stream)).__typename, 'MembershipChanged');
      const { value } = await stream.next();
      assert.equal(value?.errors?.[0]?.extensions?.['code'], 'FORBIDDEN');
      assert.equal((await stream.next()).done, true);
      await gateway.close();
    });

    it('hold no connection to the subgraph while nothing happens, and are live all the same', async () => {
      const owner = newId('User');
      const roomId = await openRoom(owner);
      const gateway = await chat.gateway();
      const streams = [];
      for (let n = 0; n < 5; n++)
        streams.push(await gateway.subscribe(newId('User'), EVENTS, { roomId, after: null }));
      await chat.balancer.untilIdle();
      assert.equal(chat.balancer.open, 0);
      await say(0, owner, roomId);
      for (const stream of streams) assert.equal((await next(stream)).message.content, `message ${messages}`);
      await Promise.all(streams.map((stream) => stream.return()));
      await gateway.close();
    });

    it('make a gateway listen once to each topic, however many follow it, and each of two gateways by itself', async () => {
      const owner = newId('User');
      const roomId = await openRoom(owner);
      const gateways = [await chat.gateway(), await chat.gateway()];
      const streams = await Promise.all(
        Array.from({ length: 8 }, (_, n) =>
          gateways[n % 2]!.subscribe(newId('User'), EVENTS, { roomId, after: BEGINNING }),
        ),
      );
      await Promise.all(streams.map((stream) => take(stream, 2)));
      const redis = new Redis(services.redisUrl!);
      const listening = async () =>
        Number((await redis.pubsub('NUMSUB', chat.channelOf(`room:${roomId}`)))[1]);
      assert.equal(await listening(), 2);
      for (let n = 0; n < 3; n++) await say(n % 2, owner, roomId);
      for (const events of await Promise.all(streams.map((stream) => take(stream, 3))))
        assert.deepEqual(
          events.map(({ seq }) => seq),
          [3, 4, 5],
        );
      await Promise.all(streams.map((stream) => stream.return()));
      while ((await listening()) > 0) await new Promise(setImmediate);
      redis.disconnect();
      await Promise.all(gateways.map((gateway) => gateway.close()));
    });

    it(`miss nothing, in order, while Redis and instances come and go (SEED=${SEED})`, async () => {
      const random = seededRandom(SEED);
      const pick = (count: number) => Math.floor(random() * count);
      const { hostname, port } = new URL(services.redisUrl!);
      const proxy = await startTcpProxy(hostname, Number(port || 6379));
      const gateway = await chat.gateway({ pollMs: 200, redisUrl: `redis://127.0.0.1:${proxy.port}` });
      const owner = newId('User');
      const rooms = [await openRoom(owner), await openRoom(owner)];
      const readers = await Promise.all(
        Array.from({ length: 6 }, async (_, n) => {
          const [roomId = ''] = [rooms[n % 2]];
          return {
            roomId,
            stream: await gateway.subscribe(newId('User'), EVENTS, { roomId, after: BEGINNING }),
          };
        }),
      );
      const said = new Map(rooms.map((roomId) => [roomId, 2]));
      const steps = [
        () => proxy.block(),
        () => proxy.open(),
        () => chat.instances[pick(2)]!.stop(),
        () => Promise.all(chat.instances.map((instance) => instance.serve())),
      ];
      for (let step = 0; step < 120; step++) {
        if (pick(6) === 0) await steps[pick(steps.length)]!();
        const roomId = rooms[pick(2)] ?? '';
        await say(pick(2), owner, roomId);
        said.set(roomId, (said.get(roomId) ?? 0) + 1);
      }
      proxy.open();
      await Promise.all(chat.instances.map((instance) => instance.serve()));
      for (const { roomId, stream } of readers) {
        const count = said.get(roomId) ?? 0;
        const seqs = (await take(stream, count)).map(({ seq }) => seq);
        assert.deepEqual(
          seqs,
          Array.from({ length: count }, (_, n) => n + 1),
        );
        await stream.return();
      }
      await gateway.close();
      await proxy.close();
    });
  },
);

// oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
async function next(stream: ResultStream): Promise<any> {
  const [event] = await take(stream, 1);
  return event;
}

// oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
async function take(stream: ResultStream, count: number): Promise<any[]> {
  return (await takeData(stream, count)).map(({ roomEvents }) => roomEvents);
}
