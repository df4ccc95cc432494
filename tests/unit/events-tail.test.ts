import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { tailStream, type StreamTail, type TailItem } from '#platform/events/tail.ts';
import {
  appendMany,
  messageEdited,
  silentLog,
  startEvents,
  type EventsUnderTest,
} from '../support/events.ts';
import { seededRandom } from '../support/random.ts';

let under: EventsUnderTest;
before(async () => {
  under = await startEvents();
});
after(() => under[Symbol.asyncDispose]());

async function take(tail: StreamTail, count: number): Promise<TailItem[]> {
  const items: TailItem[] = [];
  while (items.length < count) {
    const { value, done } = await tail.next();
    if (done) break;
    items.push(value);
  }
  return items;
}

const seqs = (items: readonly TailItem[]) =>
  items.map((item) => (item.kind === 'event' ? item.event.seq : item.reason));
const upTo = (last: number, first = 1) =>
  Array.from({ length: last - first + 1 }, (_, index) => first + index);
const BEGINNING = { epoch: 0, seq: 0 };

test('a tail replays from its cursor and goes on live [E06]', async () => {
  await appendMany(under.events, 'room:replay', 3);
  const tail = await under.events.tail('room:replay', BEGINNING);
  await appendMany(under.events, 'room:replay', 3);
  const items = await take(tail, 6);
  assert.deepEqual(seqs(items), upTo(6));
  await tail.return();

  const second = await under.events.tail('room:replay', items[3]?.cursor ?? null);
  assert.deepEqual(seqs(await take(second, 2)), [5, 6]);
  await second.return();
});

test('without a cursor it starts behind the newest event, also in a stream that has none yet', async () => {
  for (const [stream, before] of [
    ['room:fresh', 0],
    ['room:known', 2],
  ] as const) {
    await appendMany(under.events, stream, before);
    const tail = await under.events.tail(stream, null);
    await appendMany(under.events, stream, 2);
    const items = await take(tail, 2);
    assert.deepEqual(seqs(items), [before + 1, before + 2]);
    const { epoch } = await under.events.head(stream);
    assert.deepEqual(items[0]?.cursor, { epoch, seq: before + 1 });
    await tail.return();
  }
});

test('return() and an abort end it while it waits, and leave no listener behind', async () => {
  const ending = new AbortController();
  const aborted = await under.events.tail('room:end', null, { signal: ending.signal });
  const returned = await under.events.tail('room:end', null);
  const waiting = [aborted.next(), returned.next()];
  ending.abort();
  await returned.return();
  for (const result of await Promise.all(waiting)) assert.equal(result.done, true);
  assert.equal((await aborted.next()).done, true);
});

test('a cursor older than the log, or of another life of the stream, is told to resync and then goes on', async () => {
  await appendMany(under.events, 'room:resync', 5);
  await under.database.fork().execute(`delete from outbox where stream = 'room:resync' and seq < 4`);
  await under.database.fork().execute(`delete from event_log where stream = 'room:resync' and seq < 4`);
  const { epoch } = await under.events.head('room:resync');
  const cases = [
    [{ epoch, seq: 1 }, 'WINDOW_EXPIRED'],
    [BEGINNING, 'WINDOW_EXPIRED'],
    [{ epoch: epoch === 7 ? 8 : 7, seq: 4 }, 'EPOCH_CHANGED'],
    [{ epoch, seq: 99 }, 'EPOCH_CHANGED'],
  ] as const;
  for (const [after, reason] of cases) {
    const { lastSeq } = await under.events.head('room:resync');
    const tail = await under.events.tail('room:resync', after);
    const [item] = await take(tail, 1);
    assert.deepEqual(item, { kind: 'resync', reason, cursor: { epoch, seq: lastSeq } });
    await appendMany(under.events, 'room:resync', 1);
    assert.deepEqual(seqs(await take(tail, 1)), [lastSeq + 1]);
    await tail.return();
  }
  const edge = await under.events.tail('room:resync', { epoch, seq: 3 });
  assert.deepEqual(seqs(await take(edge, 2)), [4, 5]);
  await edge.return();
});

test('without any live bus it follows the log', async () => {
  const dead: LiveBus = { ...memoryLiveBus(), subscribe: () => Promise.reject(new Error('away')) };
  const tail = await tailStream({
    ...under,
    liveBus: dead,
    log: silentLog,
    stream: 'room:dark',
    after: null,
    pollMs: 5,
  });
  await appendMany(under.events, 'room:dark', 2);
  assert.deepEqual(seqs(await take(tail, 2)), [1, 2]);
  await tail.return();
});

/** Loses, repeats and swaps messages, and puts in ones that are no events. */
function treacherousBus(inner: LiveBus, random: () => number): LiveBus {
  let held: { topic: string; payload: unknown } | null = null;
  return {
    ...inner,
    async publish(topic, payload) {
      const luck = random();
      if (luck < 0.3) return;
      if (luck < 0.45) return void (held = { topic, payload });
      await inner.publish(topic, payload);
      if (luck < 0.6) await inner.publish(topic, payload);
      if (luck > 0.95) await inner.publish(topic, { seq: 1e9, stream: topic });
      if (held) await inner.publish(held.topic, held.payload);
      held = null;
    },
  };
}

const seed = Number(process.env.TEST_SEED ?? Date.now() % 1_000_000);

test(`no gap, no duplicate, in order, over a live bus that cannot be trusted (TEST_SEED=${seed})`, async () => {
  const random = seededRandom(seed);
  for (let round = 0; round < 8; round++) {
    const stream = `room:random:${round}`;
    await using source = await startRound(random);
    const early = Math.floor(random() * 5);
    const total = early + 20 + Math.floor(random() * 40);
    await appendMany(source.events, stream, early);
    const readers = [1, 3, 100].map((maxEvents) =>
      tailStream({ ...source, log: silentLog, stream, after: BEGINNING, pollMs: 5, maxEvents }),
    );
    const reading = readers.map(async (reader) => readSlowly(await reader, total, random));
    await Promise.all(readers);
    for (let n = early; n < total; n++) {
      await source.events.transact((tx) => tx.append(messageEdited(stream, n)));
      if (random() < 0.3) await new Promise((resolve) => setImmediate(resolve));
    }
    for (const received of await Promise.all(reading)) assert.deepEqual(received, upTo(total));
  }
});

async function startRound(random: () => number) {
  const { createEvents } = await import('#platform/events/events.ts');
  const liveBus = treacherousBus(memoryLiveBus(), random);
  const { database, durableBus } = under;
  return {
    database,
    liveBus,
    events: createEvents({ database, durableBus, liveBus, log: silentLog }),
    [Symbol.asyncDispose]: () => liveBus.close(),
  };
}

async function readSlowly(tail: StreamTail, total: number, random: () => number) {
  const received: (number | string)[] = [];
  while (received.length < total) {
    received.push(...seqs(await take(tail, 1)));
    if (random() < 0.2) await new Promise((resolve) => setTimeout(resolve, random() * 5));
  }
  await tail.return();
  return received;
}
