import assert from 'node:assert/strict';
import { openDatabase, type Database } from '#platform/database.ts';
import { natsDurableBus } from '#platform/events/durable-bus-nats.ts';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import { createEvents } from '#platform/events/events.ts';
import { createIntake } from '#platform/events/inbox-intake.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import type { DurableBus } from '#platform/events/ports.ts';
import { createLog } from '#platform/log.ts';
import { createTestDatabase } from '../../support/databases.ts';
import { frame } from '../../contract/durable-bus.contract.ts';
import { ownNats, skipWithoutNats } from '../../support/nats.ts';
import { table } from '../table.ts';

const EVENTS = 30_000;
const STREAMS = 200;
const PUBLISHED_AT_ONCE = 500;
const CONSUMER = 'bench';
const NAMES = ['message.edited'] as const;
const log = createLog('bench', 'silent');

/** Events that wait in NATS JetStream: how fast one process stores them all in its inbox, then how fast a handler of one statement is done with them. */
export async function measureDelivery(): Promise<string> {
  if (skipWithoutNats !== false) return `Not measured: ${skipWithoutNats}.`;
  await using server = await ownNats();
  await server.start();
  const testDatabase = await createTestDatabase();
  const database = await openDatabase({
    url: testDatabase.url,
    name: CONSUMER,
    entities: [],
    migrations: [],
    log,
  });
  try {
    await database.migrate();
    const bus = await natsDurableBus({ url: `nats://127.0.0.1:${server.port}`, log, namespace: 'bench' });
    await publishAll(bus);
    const storedPerS = await perSecond(() => storeAll(database, bus));
    await bus.close();
    const handledPerS = await perSecond(() => handleAll(database));
    return table(
      ['', 'events/s'],
      [
        ['stored in the inbox', storedPerS.toFixed(0)],
        ['handled', handledPerS.toFixed(0)],
      ],
    );
  } finally {
    await database.close();
    await testDatabase.drop();
  }
}

async function perSecond(run: () => Promise<void>): Promise<number> {
  const startedAt = performance.now();
  await run();
  return EVENTS / ((performance.now() - startedAt) / 1_000);
}

async function publishAll(bus: DurableBus): Promise<void> {
  const events = Array.from({ length: EVENTS }, (_, index) =>
    frame(1 + Math.floor(index / STREAMS), { stream: `room:${index % STREAMS}` }),
  );
  for (let from = 0; from < EVENTS; from += PUBLISHED_AT_ONCE)
    await Promise.all(events.slice(from, from + PUBLISHED_AT_ONCE).map((event) => bus.publish(event)));
}

async function storeAll(database: Database, bus: DurableBus): Promise<void> {
  const stored = Promise.withResolvers<void>();
  const intake = createIntake({
    ...{ database, log, name: CONSUMER, names: NAMES, wants: undefined, now: () => new Date() },
    onStored: () => undefined,
  });
  const consumption = await bus.consume({
    ...intake,
    async accept(batch) {
      await intake.accept(batch);
      if (batch.upTo?.seq === EVENTS) stored.resolve();
    },
  });
  await stored.promise;
  await consumption.stop();
  const [row] = await database
    .fork()
    .execute<{ count: number }[]>('select count(*)::int as count from inbox');
  assert.equal(row?.count, EVENTS);
}

async function handleAll(database: Database): Promise<void> {
  await database.fork().execute('create table handled (place bigserial, stream text, seq int)', [], 'run');
  const all = Promise.withResolvers<void>();
  const durableBus = memoryDurableBus();
  const events = createEvents({ database, durableBus, liveBus: memoryLiveBus(), log });
  let count = 0;
  events.consume(CONSUMER, NAMES, async ({ stream, seq }, { em }) => {
    await em.execute('insert into handled (stream, seq) values (?, ?)', [stream, seq], 'run');
    if (++count === EVENTS) all.resolve();
  });
  await events.startConsumers();
  await all.promise;
  await events.stop();
  const unordered = `select 1 from (select seq, row_number() over (partition by stream order by place) as nth from handled) h where seq <> nth`;
  assert.deepEqual(await database.fork().execute(unordered), []);
  assert.equal((await database.fork().execute('select 1 from handled')).length, EVENTS);
}
