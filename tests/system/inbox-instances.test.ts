import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { encodeCursor } from '#platform/events/cursor.ts';
import { newId } from '#platform/ids.ts';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { startChatInstances, type ChatInstances } from '../support/chat-instances.ts';
import { seededRandom } from '../support/random.ts';
import { services, skipWithout } from '../support/services.ts';
import { startTcpProxy } from '../support/tcp-proxy.ts';
import { positionOf } from '../subgraphs/chat-inbox-kit.ts';
import { take } from '../subgraphs/result-streams.ts';

const INBOX = `subscription ($after: EventCursor) { inbox(after: $after) { cursor __typename
  ... on InboxRoomChanged { roomId lastMessage { content } } } }`;
const CREATE = `mutation ($input: CreateRoomInput!) { createRoom(input: $input) { room { id } userErrors { message } } }`;
const SAY = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } userErrors { message } } }`;
const BEGINNING = encodeCursor({ epoch: 0, seq: 0 });
const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));

describe('inboxes over two instances of a subgraph', { skip: skipWithout('redisUrl') }, () => {
  let chat: ChatInstances;
  before(async () => void (chat = await startChatInstances(2)));
  after(() => chat.close());

  let messages = 0;
  /** Answers with what was said. */
  const say = async (instance: number, userId: string, roomId: string) => {
    const content = `message ${(messages += 1)}`;
    await chat.run(instance, userId, SAY, { input: { roomId, content, clientNonce: `nonce-${messages}` } });
    return content;
  };
  const openRoom = async (owner: string, memberIds: string[]) => {
    const input = { kind: 'CHANNEL', name: 'loops', memberIds };
    return String((await chat.run(0, owner, CREATE, { input })).room.id);
  };

  it(`show each room as it is in the end, while Redis and instances come and go (SEED=${SEED})`, async () => {
    const random = seededRandom(SEED);
    const pick = (count: number) => Math.floor(random() * count);
    const { hostname, port } = new URL(services.redisUrl!);
    const proxy = await startTcpProxy(hostname, Number(port || 6379));
    const gateway = await chat.gateway({ pollMs: 200, redisUrl: `redis://127.0.0.1:${proxy.port}` });
    const owner = newId('User');
    const readers = [newId('User'), newId('User'), newId('User')];
    const rooms = [await openRoom(owner, readers), await openRoom(owner, readers)];
    const streams = await Promise.all(
      readers.map((userId) => gateway.subscribe(userId, INBOX, { after: BEGINNING })),
    );
    const steps = [
      () => proxy.block(),
      () => proxy.open(),
      () => chat.instances[pick(2)]!.stop(),
      () => Promise.all(chat.instances.map((instance) => instance.serve())),
    ];
    const last = new Map<string, string>();
    for (let step = 0; step < 100; step++) {
      if (pick(5) === 0) await steps[pick(steps.length)]!();
      const roomId = rooms[pick(2)] ?? '';
      last.set(roomId, await say(pick(2), owner, roomId));
    }
    proxy.open();
    await Promise.all(chat.instances.map((instance) => instance.serve()));
    await Promise.all(streams.map((stream) => readUntil(stream, last)));
    await Promise.all(streams.map((stream) => stream.return()));
    await gateway.close();
    await proxy.close();
  });

  it('are told by one what the other wrote that dies behind its commit', async () => {
    const [owner, member] = [newId('User'), newId('User')];
    const roomId = await openRoom(owner, [member]);
    const gateway = await chat.gateway();
    const stream = await gateway.subscribe(member, INBOX, {});
    const [dying] = chat.instances;
    // From here on it does nothing but what its transactions do.
    await dying?.open.subgraph.stop?.();
    await dying?.stop();
    for (let count = 0; count < 3; count++)
      await readUntil(stream, new Map([[roomId, await say(0, owner, roomId)]]));
    await stream.return();
    await gateway.close();
  });
});

/** Reads on, in the order of positions, until these are the last messages of their rooms. */
async function readUntil(stream: ResultStream, last: ReadonlyMap<string, string>): Promise<void> {
  const shown = new Map<string, string | undefined>();
  let position = 0;
  while ([...last].some(([roomId, content]) => shown.get(roomId) !== content)) {
    const [{ inbox }] = await take(stream, 1);
    assert.equal(inbox.__typename, 'InboxRoomChanged');
    assert.ok(positionOf(inbox) > position);
    position = positionOf(inbox);
    shown.set(inbox.roomId, inbox.lastMessage?.content);
  }
}
