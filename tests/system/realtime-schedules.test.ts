import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import {
  createRealtimeClient,
  type RealtimeClient,
  type RealtimeSubscription,
} from '../../clients/realtime/realtime-client.ts';
import { seededRandom } from '../support/random.ts';
import {
  startRealtimePlatform,
  type RealtimePlatform,
  type WrittenEvent,
} from '../support/realtime-platform.ts';
import { skipWithout } from '../support/services.ts';

const SEED = Number(process.env['SEED'] ?? Math.floor(Math.random() * 1e9));
const STEPS = Number(process.env['STEPS'] ?? 2_000);
const ROOMS = 5;
const READERS = 24;
const MAX_UNDER_WAY = 20;

const FOLLOW = `subscription ($roomId: ID!, $after: EventCursor) { roomEvents(roomId: $roomId, after: $after) {
  __typename seq cursor ... on MessageCreated { message { content } } } }`;

interface FollowedEvent {
  readonly __typename: string;
  readonly seq: number;
  readonly cursor: string;
  readonly message?: { readonly content: string };
}

/** Somebody who follows a room from a position on, goes away and comes back where they were. */
class Reader {
  readonly roomId: string;
  readonly start: string;
  readonly read: WrittenEvent[] = [];
  failure: unknown = null;
  readonly #client: RealtimeClient;
  #subscription: RealtimeSubscription<{ readonly roomEvents: FollowedEvent }> | null = null;
  #gate: PromiseWithResolvers<void> | null = null;
  #arrival = Promise.withResolvers<void>();

  constructor(client: RealtimeClient, roomId: string, start: string) {
    this.#client = client;
    this.roomId = roomId;
    this.start = start;
  }

  come(): void {
    if (this.#subscription) return;
    const after = this.read.at(-1)?.cursor ?? this.start;
    const subscription = this.#client.subscribe<{ roomEvents: FollowedEvent }>(FOLLOW, {
      roomId: this.roomId,
      after,
    });
    this.#subscription = subscription;
    void this.#follow(subscription).catch((error: unknown) => this.#fail(error));
  }

  go(): void {
    void this.#subscription?.return();
    this.#subscription = null;
  }

  slowDown(): void {
    this.#gate ??= Promise.withResolvers();
  }

  speedUp(): void {
    this.#gate?.resolve();
    this.#gate = null;
  }

  async reaches(seq: number): Promise<void> {
    while (this.failure === null && (this.read.at(-1)?.seq ?? 0) < seq) await this.#arrival.promise;
    if (this.failure !== null) throw this.failure;
  }

  close(): void {
    this.#client.close();
  }

  async #follow(subscription: RealtimeSubscription<{ readonly roomEvents: FollowedEvent }>): Promise<void> {
    for await (const { data, errors } of subscription) {
      // What it was told before it went is not kept: it comes back to where it was.
      if (subscription !== this.#subscription) return;
      const event = data?.roomEvents;
      if (!event || errors) throw new Error(`no event: ${JSON.stringify({ data, errors })}`);
      if (event.__typename === 'ResyncRequired') throw new Error(`lost its place: ${JSON.stringify(event)}`);
      this.read.push({ seq: event.seq, cursor: event.cursor, content: event.message?.content ?? null });
      this.#arrival.resolve();
      this.#arrival = Promise.withResolvers();
      await this.#gate?.promise;
    }
    if (subscription === this.#subscription) throw new Error('completed by the server');
  }

  #fail(error: unknown): void {
    this.failure = error;
    this.#arrival.resolve();
  }
}

describe(
  `clients of two gateways under random schedules [SEED=${SEED}]`,
  { skip: skipWithout('databaseUrl', 'redisUrl', 'natsUrl') },
  () => {
    let platform: RealtimePlatform;
    before(async () => void (platform = await startRealtimePlatform()));
    after(() => platform.close());

    it('each read the log of their room: no gap, no duplicate, in order', async () => {
      const random = seededRandom(SEED);
      const pick = <T>(values: readonly T[]): T => values[Math.floor(random() * values.length)] as T;
      const rooms: { readonly id: string; readonly cursor: string }[] = [];
      for (let count = 0; count < ROOMS; count += 1) rooms.push(await platform.openRoom());
      const readers = Array.from({ length: READERS }, (_, index) => newReader(platform, rooms, index));
      for (const reader of readers) reader.come();

      const underWay = new Set<Promise<void>>();
      let written = 0;
      const write = async (roomId: string) => {
        written += 1;
        const writing = platform.write(roomId, `message ${written}`);
        underWay.add(writing);
        void writing.finally(() => underWay.delete(writing));
        if (underWay.size >= MAX_UNDER_WAY) await Promise.race(underWay);
      };
      const trouble = createTrouble(platform, pick);
      const steps: readonly (readonly [weight: number, step: () => unknown])[] = [
        [60, () => write(pick(rooms).id)],
        [8, () => pick(readers).go()],
        [12, () => pick(readers).come()],
        [5, () => pick(readers).slowDown()],
        [9, () => pick(readers).speedUp()],
        [3, () => cut(pick(platform.clientProxies))],
        [1, () => trouble.begin()],
      ];
      const bag = steps.flatMap(([weight, step]) => Array.from({ length: weight }, () => step));
      for (let step = 0; step < STEPS; step += 1) await pick(bag)();

      await trouble.over();
      for (const reader of readers) {
        reader.speedUp();
        reader.come();
      }
      for (const { id } of rooms) await write(id);
      await Promise.all(underWay);
      for (const { id } of rooms) await checkReaders(platform, id, readers);
      for (const reader of readers) reader.close();
      assert.equal(await total(platform, rooms), written, 'every message that was taken is in a log, once');
    });
  },
);

function newReader(
  { clientProxies }: RealtimePlatform,
  rooms: readonly { readonly id: string; readonly cursor: string }[],
  index: number,
): Reader {
  const urls = clientProxies.map(({ port }) => `http://127.0.0.1:${port}/graphql`);
  const client = createRealtimeClient({
    url: index % 2 === 0 ? urls : urls.toReversed(),
    transport: index % 3 === 0 ? 'sse' : 'ws',
    retry: { minDelayMs: 10, maxDelayMs: 500 },
    maxBufferedEvents: 16,
  });
  const room = rooms[index % rooms.length];
  assert.ok(room);
  return new Reader(client, room.id, room.cursor);
}

function cut(proxy: RealtimePlatform['redis']): void {
  proxy.block();
  proxy.open();
}

/** Processes and servers fail, one at a time, while everything else goes on. */
function createTrouble(platform: RealtimePlatform, pick: <T>(values: readonly T[]) => T) {
  let current: Promise<void> = Promise.resolve();
  const kinds: readonly (() => Promise<void>)[] = [
    () => pick(platform.gateways).restart(),
    () => platform.chat.restart(),
    () => platform.reload(),
    async () => cut(platform.redis),
    async () => cut(platform.nats),
  ];
  return {
    begin() {
      const kind = pick(kinds);
      current = current.then(kind);
    },
    over: () => current,
  };
}

async function checkReaders(
  platform: RealtimePlatform,
  roomId: string,
  readers: readonly Reader[],
): Promise<void> {
  for (const reader of readers.filter((each) => each.roomId === roomId)) {
    const log = await platform.logOf(roomId, reader.start);
    await reader.reaches(log.at(-1)?.seq ?? 0);
    assert.deepEqual(reader.read, log, `a reader of ${roomId}`);
  }
}

async function total(
  platform: RealtimePlatform,
  rooms: readonly { readonly id: string; readonly cursor: string }[],
): Promise<number> {
  let count = 0;
  for (const { id, cursor } of rooms) {
    const messages = (await platform.logOf(id, cursor)).flatMap(({ content }) => content ?? []);
    assert.equal(new Set(messages).size, messages.length);
    count += messages.length;
  }
  return count;
}
