import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import type { Database } from '#platform/database.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { openTestDatabase } from '../support/events.ts';

let testDatabase: TestDatabase;
let database: Database;
before(async () => {
  testDatabase = await createTestDatabase();
  database = await openTestDatabase(testDatabase.url);
});
after(async () => {
  await database.close();
  await testDatabase.drop();
});

const pidOf = async (em: ReturnType<Database['fork']>): Promise<number> =>
  (await em.execute<{ pid: number }>('select pg_backend_pid() as pid', [], 'get')).pid;
const terminate = (pid: number) => database.fork().execute('select pg_terminate_backend(?)', [pid]);

test('connections that the server drops in transactions go back to the pool, which makes new ones', async () => {
  for (let count = 0; count < 12; count += 1) {
    const lost = database.fork().transactional(async (em) => {
      await terminate(await pidOf(em));
      await em.execute('select 1');
    });
    await assert.rejects(lost);
  }
  const { open, idle, waiting } = await database.poolStats();
  assert.deepEqual({ inUse: open - idle, waiting }, { inUse: 0, waiting: 0 });
  assert.equal(await database.fork().transactional(async (em) => (await pidOf(em)) > 0), true);
});

test('so does one that was dropped before its transaction began', async () => {
  for (let count = 0; count < 20; count += 1) {
    // Whether the pool has noticed by then is up to the network: any of these may meet a dead connection.
    const idle = await pidOf(database.fork()).catch(() => 0);
    const transaction = () => database.fork().transactional((em) => pidOf(em));
    await Promise.allSettled([terminate(idle), transaction(), transaction()]);
  }
  const { open, idle } = await database.poolStats();
  assert.equal(open - idle, 0);
});
