import assert from 'node:assert/strict';
import { jetstreamManager, type JetStreamManager } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { natsDurableBus } from '#platform/events/durable-bus-nats.ts';
import { createEvents } from '#platform/events/events.ts';
import { readPosition } from '#platform/events/inbox-position.ts';
import type { BusPosition, DurableBus, EventFrame } from '#platform/events/ports.ts';
import { createTestDatabase } from './databases.ts';
import { ownNats } from './nats.ts';
import { eventually } from './platform-client.ts';
import { openTestDatabase, silentLog } from './events.ts';

/** What one process of a subgraph has: connections of its own, and a consumer that writes down what it handles, in the handler's transaction. */
export interface InboxProcess {
  readonly bus: DurableBus;
  /** In the order of handling. */
  handled(): Promise<{ stream: string; seq: number }[]>;
  position(): Promise<BusPosition | null>;
  /** How often a position was written. */
  notes(): Promise<number>;
  stop(): Promise<void>;
}

// Each position that was stored is kept, so that a test can count them and go back to one.
const TABLES = `create table if not exists handled (place bigserial, event_id text, stream text, seq int);
  create table if not exists position_seen (consumer text, seq bigint, mark text);
  create or replace function see_position() returns trigger language plpgsql as
    'begin insert into position_seen values (new.consumer, new.seq, new.mark); return new; end';
  create or replace trigger seen after update on inbox_position for each row execute function see_position()`;

export async function inboxProcess(options: {
  databaseUrl: string;
  natsUrl: string;
  /** Of the consumer. */
  name: string;
}): Promise<InboxProcess> {
  const { databaseUrl, natsUrl, name } = options;
  const database = await openTestDatabase(databaseUrl);
  await database.migrate();
  await database.fork().transactional(async (em) => {
    await em.execute('select pg_advisory_xact_lock(1)');
    for (const sql of TABLES.split(';\n')) await em.execute(sql, [], 'run');
  });
  const bus = await natsDurableBus({ url: natsUrl, log: silentLog, namespace: 'test' });
  const liveBus = memoryLiveBus();
  const events = createEvents({ database, durableBus: bus, liveBus, log: silentLog });
  if (name !== 'publisher')
    events.consume(name, ['message.edited', 'message.deleted'], async ({ id, stream, seq }, { em }) => {
      await em.execute(
        'insert into handled (event_id, stream, seq) values (?, ?, ?)',
        [id, stream, seq],
        'run',
      );
    });
  await events.startConsumers();
  return {
    bus,
    handled: () => database.fork().execute('select stream, seq from handled order by place'),
    position: () => readPosition(database.fork(), name),
    async notes() {
      const [row] = await database
        .fork()
        .execute<{ count: number }[]>('select count(*)::int as count from position_seen where consumer = ?', [
          name,
        ]);
      return row?.count ?? 0;
    },
    async stop() {
      await events.stop();
      await bus.close();
      await liveBus.close();
      await database.close();
    },
  };
}

/** A NATS server and a database of a test's own, and as many processes on them as it starts. */
export async function startInboxPlatform() {
  const server = await ownNats();
  await server.start();
  const database = await createTestDatabase();
  const natsUrl = `nats://127.0.0.1:${server.port}`;
  const start = (name = 'test') => inboxProcess({ databaseUrl: database.url, natsUrl, name });
  return {
    server,
    databaseUrl: database.url,
    natsUrl,
    start,
    async withManager<T>(run: (manager: JetStreamManager) => Promise<T>): Promise<T> {
      const connection = await connect({ servers: [natsUrl] });
      try {
        return await run(await jetstreamManager(connection));
      } finally {
        await connection.close();
      }
    },
    async [Symbol.asyncDispose]() {
      await server[Symbol.asyncDispose]();
      await database.drop();
    },
  };
}

/** Until the bus has it, as an outbox does. */
export async function publishUntilStored(bus: DurableBus, event: EventFrame): Promise<void> {
  for (;;) {
    const stored = await bus.publish(event).then(
      () => true,
      () => false,
    );
    if (stored) return;
  }
}

/** What has been handled, once it is so much. */
export async function handledBy(process: InboxProcess, count: number, withinMs = 20_000) {
  await eventually(async () => assert.equal((await process.handled()).length, count), withinMs);
  return process.handled();
}
