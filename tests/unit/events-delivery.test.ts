import assert from 'node:assert/strict';
import { test } from 'node:test';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import { createEvents, type Events } from '#platform/events/events.ts';
import type { AnyEvent, DurableBus, EventFrame } from '#platform/events/ports.ts';
import {
  appendMany,
  createProbe,
  messageEdited,
  openTestDatabase,
  silentLog,
  startEvents,
} from '../support/events.ts';
import { consumerMemory } from '../support/durable-consumers.ts';
import { frame } from '../contract/durable-bus.contract.ts';

/** A bus that refuses every third attempt and sometimes fails after it has delivered. */
function unreliableBus(inner: DurableBus): DurableBus {
  let attempt = 0;
  return {
    ...inner,
    async publish(event) {
      attempt += 1;
      if (attempt % 3 === 1) throw new Error('the bus is away');
      await inner.publish(event);
      if (attempt % 3 === 2) throw new Error('the confirmation was lost');
    },
  };
}

test('the relay publishes every committed event at least once, each stream in order, over a failing bus [E01]', async () => {
  const bus = memoryDurableBus();
  const { consume } = consumerMemory();
  const seen = createProbe<EventFrame>();
  await consume(bus, 'probe', ['message.edited'], async (event) => seen.add(event));
  await using under = await startEvents({ durableBus: unreliableBus(bus) });
  await Promise.all(['room:a', 'room:b'].map((stream) => appendMany(under.events, stream, 4)));
  assert.equal((await under.events.outboxLag()).pending, 8);
  const complete = createProbe<true>();
  await consume(bus, 'counter', ['message.edited'], async () => {
    if (new Set(seen.values.map(({ id }) => id)).size === 8) complete.add(true);
  });
  await under.events.start();
  await complete.atLeast(1);
  for (const stream of ['room:a', 'room:b']) {
    const ids = seen.values.filter((event) => event.stream === stream).map(({ seq }) => seq);
    assert.deepEqual([...new Set(ids)], [1, 2, 3, 4]);
  }
});

test('two relays on one database do not overtake each other [E01]', async () => {
  const bus = memoryDurableBus();
  const { consume } = consumerMemory();
  const seen = createProbe<number>();
  await consume(bus, 'probe', ['message.edited'], async ({ seq }) => seen.add(seq));
  await using under = await startEvents({ durableBus: bus });
  await using other = await secondProcess(under.url, bus);
  await Promise.all([under.events.start(), other.events.start()]);
  await Promise.all([
    appendMany(under.events, 'room:shared', 30),
    appendMany(other.events, 'room:shared', 30),
  ]);
  await seen.atLeast(60);
  assert.deepEqual(
    [...new Set(seen.values)],
    Array.from({ length: 60 }, (_, index) => index + 1),
  );
});

test('an event delivered twice is handled once [F12]', async () => {
  await using under = await startEvents();
  const handled = createProbe<number>();
  under.events.consume('once', ['message.edited'], async ({ seq }) => handled.add(seq));
  await under.events.start();
  const event = frame(1);
  for (let i = 0; i < 3; i++) await under.durableBus.publish(event);
  await under.durableBus.publish(frame(2));
  assert.deepEqual(await handled.atLeast(2), [1, 2]);
});

test('two processes that share a consumer handle each event once and each stream in order [F12]', async () => {
  await using under = await startEvents();
  await using other = await secondProcess(under.url, under.durableBus);
  const handled = createProbe<AnyEvent>();
  for (const events of [under.events, other.events])
    events.consume('shared', ['message.edited'], async (event) => {
      await new Promise((resolve) => setImmediate(resolve));
      handled.add(event);
    });
  await Promise.all([under.events.start(), other.events.start()]);
  const streams = ['room:1', 'room:2', 'room:3'];
  await Promise.all(streams.map((stream) => appendMany(under.events, stream, 20)));
  await handled.atLeast(60);
  for (const stream of streams)
    assert.deepEqual(
      handled.values.filter((event) => event.stream === stream).map(({ seq }) => seq),
      Array.from({ length: 20 }, (_, index) => index + 1),
    );
});

test('a handler and the events it appends are committed with the note that its event is done', async () => {
  await using under = await startEvents();
  const seen = createProbe<AnyEvent>();
  let failures = 1;
  under.events.consume('chain', ['message.edited'], async (event, tx) => {
    await tx.append({
      ...messageEdited('room:effect', event.seq),
      name: 'message.deleted',
      payload: deleted,
    });
    if (failures-- > 0) throw new Error('after its effects');
  });
  under.events.consume('end', ['message.deleted'], async (event) => seen.add(event));
  await under.events.start();
  await appendMany(under.events, 'room:cause', 1);
  await seen.atLeast(1);
  assert.deepEqual(
    (await under.events.read('room:effect')).map(({ name }) => name),
    ['message.deleted'],
  );
});

const deleted = { roomId: 'rom_1', messageId: 'msg_1', byModerator: false };

async function secondProcess(url: string, durableBus: DurableBus) {
  const database = await openTestDatabase(url);
  const { memoryLiveBus } = await import('#platform/events/live-bus-memory.ts');
  const events: Events = createEvents({ database, durableBus, liveBus: memoryLiveBus(), log: silentLog });
  return {
    events,
    async [Symbol.asyncDispose]() {
      await events.stop();
      await database.close();
    },
  };
}
