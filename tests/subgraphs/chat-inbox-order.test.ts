// oxlint-disable typescript/no-explicit-any -- tests assert what they read
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import type { Em } from '#platform/database.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { listChanges } from '../../subgraphs/chat/data/room-change.repository.ts';
import { createRoomChangeSequencer } from '../../subgraphs/chat/service/room-change-sequencer.ts';
import { seededRandom } from '../support/random.ts';
import { UPSTREAMS } from '../support/subgraph-upstreams.ts';
import { positionOf, Sidebar } from './chat-inbox-kit.ts';
import { mutate, must, newUser, openChannel, say, startChat, type Chat } from './chat-kit.ts';

const SEED = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
const ROOMS = 5;
const PEOPLE = 5;
const DEEDS = 300;
const AT_ONCE = 8;

const TRUTH = `query ($id: ID!) { _entities(representations: [{ __typename: "Viewer", id: $id }]) { ... on Viewer {
  rooms(first: 50) { nodes { unreadCount room { id name messages(last: 1) { nodes { content deletedAt } } } } } } } }`;

for (const upstream of UPSTREAMS)
  describe(`inboxes by ${upstream} of many who write at once, over several sequencers (TEST_SEED=${SEED})`, () => {
    let chat: Chat;
    const more: ReturnType<typeof createRoomChangeSequencer>[] = [];
    before(async () => {
      chat = await startChat({ upstream });
      // As other instances on the same database would run them.
      for (let index = 0; index < 2; index++) more.push(createRoomChangeSequencer(chat.open.foundation));
      for (const sequencer of more) sequencer.start();
    });
    after(async () => {
      await Promise.all(more.map((sequencer) => sequencer.stop()));
      await chat.close();
    });

    it('show each room as it is in the end, and nothing that does not concern them', async () => {
      const random = seededRandom(SEED);
      const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
      const owner = newUser();
      const rooms: string[] = [];
      for (let index = 0; index < ROOMS; index++) rooms.push(await openChannel(chat, [owner]));
      const readers = await Promise.all(Array.from({ length: PEOPLE * 2 }, () => follow(chat, newUser())));
      const people = readers.map(({ userId }) => userId);
      const deeds = createDeeds(chat, owner, rooms, people, pick);
      const underWay = new Set<Promise<unknown>>();
      for (let count = 0; count < DEEDS; count++) {
        const deed = deeds.one();
        underWay.add(deed);
        void deed.then(
          () => underWay.delete(deed),
          () => undefined,
        );
        if (pick([true, ...Array<boolean>(4).fill(false)])) await pick(readers).comeAndGo();
        if (underWay.size >= AT_ONCE) await Promise.race(underWay);
        if (count % 20 === 0) for (const sequencer of more) sequencer.wake();
      }
      await Promise.all(underWay);
      for (const reader of readers) {
        const shown = await reader.finish();
        for (const [roomId, room] of shown)
          if (room === null) assert.ok(deeds.wasIn(reader.userId, roomId), 'told of a room of others');
        const inRooms = [...shown].filter(([, room]) => room !== null);
        assert.deepEqual(new Map(inRooms), await truthOf(chat, reader.userId, rooms));
      }
    });
  });

/** Someone who keeps what their sidebar shows. */
async function follow(chat: Chat, userId: string) {
  const sidebar = await Sidebar.open(chat, userId);
  const shown = new Map<string, unknown>();
  const show = (events: readonly any[]) => {
    for (const { roomId, room, unreadCount, lastMessage } of events)
      shown.set(roomId, room && { name: room.name, unreadCount, lastMessage });
  };
  return {
    userId,
    /** Goes away without having read all, and comes back. */
    async comeAndGo() {
      show(await sidebar.heard());
      await sidebar.leave();
      await sidebar.comeBack();
    },
    async finish() {
      show(await sidebar.heard());
      await sidebar.leave();
      return shown;
    },
  };
}

function createDeeds(
  chat: Chat,
  owner: string,
  rooms: readonly string[],
  people: readonly string[],
  pick: <T>(values: readonly T[]) => T,
) {
  const memberships = new Set<string>();
  const messages: string[] = [];
  let count = 0;
  const acts: readonly ((roomId: string, userId: string) => Promise<unknown>)[] = [
    async (roomId) => void messages.push((await say(chat, owner, roomId, `message ${(count += 1)}`)).id),
    async (roomId, userId) => {
      const input = { roomId, content: `message ${(count += 1)}`, clientNonce: `random-${count}` };
      return mutate(chat, userId, 'sendMessage', { input });
    },
    (roomId, userId) => mutate(chat, userId, 'joinRoom', { roomId }),
    (roomId, userId) => mutate(chat, userId, 'leaveRoom', { roomId }),
    (roomId, userId) => mutate(chat, userId, 'markRead', { roomId, upToSeq: count }),
    (roomId, userId) => mutate(chat, owner, 'addMember', { roomId, userId }),
    (roomId, userId) => mutate(chat, owner, 'kickMember', { roomId, userId }),
    (roomId) => must(chat, owner, 'updateRoom', { input: { roomId, name: `name ${(count += 1)}` } }),
    async () => {
      const content = `edited ${(count += 1)}`;
      return (
        messages.length > 0 && mutate(chat, owner, 'editMessage', { messageId: pick(messages), content })
      );
    },
    async () => messages.length > 0 && mutate(chat, owner, 'deleteMessage', { messageId: pick(messages) }),
  ];
  return {
    wasIn: (userId: string, roomId: string) => memberships.has(`${userId} ${roomId}`),
    async one() {
      const [roomId, userId] = [pick(rooms), pick(people)];
      const payload: any = await pick(acts)(roomId, userId);
      if (payload?.membership) memberships.add(`${userId} ${roomId}`);
    },
  };
}

async function truthOf(chat: Chat, userId: string, rooms: readonly string[]) {
  const { _entities } = await chat.data(userId, TRUTH, { id: userId });
  const nodes: any[] = _entities[0].rooms.nodes;
  return new Map(
    nodes
      .filter(({ room }) => rooms.includes(room.id))
      .map(({ unreadCount, room }) => [
        room.id,
        { name: room.name, unreadCount, lastMessage: room.messages.nodes[0] ?? null },
      ]),
  );
}

describe('an inbox', () => {
  it('is told what the sequencer of an instance left that died in the middle of its work', async (t) => {
    const chat = await startChat();
    t.after(() => chat.close());
    const sidebar = await Sidebar.open(chat, newUser());
    const roomId = await openChannel(chat, [sidebar.userId]);
    await sidebar.heard();
    const dying = new Client({ connectionString: chat.open.foundation.database.orm.config.get('clientUrl') });
    await dying.connect();
    await dying.query('begin');
    await dying.query('select 1 from room_change_head for update');
    await say(chat, sidebar.userId, roomId, 'survives');
    assert.equal((await dying.query('delete from room_change_pending')).rowCount, 1);
    await dying.query('update room_change set position = position + 1000');
    await dying.end();
    const event = await sidebar.next();
    assert.deepEqual([event.roomId, event.lastMessage.content], [roomId, 'survives']);
    assert.ok(positionOf(event) < 1_000);
  });

  for (const upstream of UPSTREAMS)
    it(`goes on while no live message arrives, by ${upstream}`, async (t) => {
      const chat = await startChat({ upstream, liveBus: brokenLiveBus() });
      t.after(() => chat.close());
      const user = newUser();
      const roomId = await openChannel(chat, [user]);
      const sidebar = await Sidebar.open(chat, user);
      await say(chat, user, roomId, 'unheard');
      const event = await sidebar.next();
      assert.deepEqual([event.roomId, event.lastMessage.content], [roomId, 'unheard']);
    });

  it('of someone in a thousand of many rooms is read along their memberships', async (t) => {
    const chat = await startChat();
    t.after(() => chat.close());
    const [user, owner] = [newUser(), newUser()];
    const em = chat.open.foundation.database.fork();
    await em.execute(
      `insert into room (id, kind, name, visibility, creator_id, created_at)
       select 'rom_bulk_' || n, 'CHANNEL', 'room', 'PUBLIC', ?, now() from generate_series(1, 20000) n`,
      [owner],
    );
    await em.execute(
      `insert into room_member (room_id, user_id, role, joined_at)
       select 'rom_bulk_' || n, ?, 'MEMBER', now() from generate_series(1, 20000, 20) n
       union all select 'rom_bulk_' || n, 'usr_bulk_' || n % 100, 'MEMBER', now() from generate_series(1, 20000) n`,
      [user],
    );
    await em.execute('delete from room_change_pending');
    await em.execute(
      `insert into room_change (room_id, position) select 'rom_bulk_' || n, n from generate_series(1, 20000) n`,
    );
    await em.execute(
      `insert into member_change (user_id, room_id, position)
       select 'usr_bulk_' || n % 100, 'rom_bulk_' || n, n from generate_series(1, 20000) n`,
    );
    await em.execute('analyze room_member, room_change, member_change');
    assert.deepEqual(
      (await listChanges(em, user, 10_000, 3)).map(({ position }) => position),
      [10_001, 10_021, 10_041],
    );
    for (const position of [0, 19_990]) {
      const rows = await listChanges(explaining(em), user, position, 100);
      const plan = rows.flatMap((row) => Object.values(row)).join('\n');
      assert.match(plan, /room_member_of_user/);
      assert.match(plan, /room_change_pkey/);
      assert.match(plan, /member_change_in_order/);
      assert.doesNotMatch(plan, /Seq Scan/);
    }
  });
});

/** Answers each statement with its plan. */
const explaining = (em: Em): Em =>
  Object.assign(Object.create(em), {
    execute: (sql: string, parameters: unknown[]) => em.execute(`explain ${sql}`, parameters),
  });

/** Connected, and brings nothing. */
function brokenLiveBus(): LiveBus {
  const bus = memoryLiveBus();
  return {
    ...bus,
    publish: () => Promise.reject(new Error('away')),
    subscribe: () => Promise.reject(new Error('away')),
  };
}
