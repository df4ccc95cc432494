import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Migration } from '@mikro-orm/migrations';
import { openDatabase } from '#platform/database.ts';
import { decodeCursor, encodeCursor } from '#platform/events/cursor.ts';
import { Refusal } from '#platform/errors.ts';
import { createTestDatabase } from '../support/databases.ts';
import { appendMany, openTestDatabase, silentLog, startEvents } from '../support/events.ts';
import { freePort } from '../support/servers.ts';

class Notes extends Migration {
  override up(): void {
    this.addSql('create table note (id integer primary key)');
  }
}

test('an unreachable database is one clear error that names host, port and database, not the password', async () => {
  const port = await freePort();
  const opening = openDatabase({
    url: `postgres://someone:hunter2@127.0.0.1:${port}/nowhere`,
    name: 'chat',
    entities: [],
    migrations: [],
    log: silentLog,
  });
  await assert.rejects(opening, (error: Error & { code?: string }) => {
    assert.equal(error.code, 'SERVICE_UNAVAILABLE');
    assert.match(error.message, new RegExp(`chat at 127\\.0\\.0\\.1:${port}/nowhere`));
    assert.doesNotMatch(error.message, /hunter2/);
    return true;
  });
});

test('processes that migrate at once take turns, and a second run changes nothing', async () => {
  const testDatabase = await createTestDatabase();
  const open = () =>
    openDatabase({ url: testDatabase.url, name: 'test', entities: [], migrations: [Notes], log: silentLog });
  const databases = await Promise.all([open(), open(), open()]);
  await Promise.all(databases.map((database) => database.migrate()));
  await databases[0]?.migrate();
  const applied = await databases[0]
    ?.fork()
    .execute<{ name: string }[]>('select name from mikro_orm_migrations order by id');
  assert.deepEqual(
    applied?.map(({ name }) => name),
    ['EventTables', 'InboxPositionTable', 'OutboxTrace', 'UnclaimedFileTable', 'Notes'],
  );
  await Promise.all(databases.map((database) => database.close()));
  await testDatabase.drop();
});

test('connections that the server cuts are replaced by the pool', async () => {
  await using under = await startEvents();
  await appendMany(under.events, 'room:1', 1);
  const admin = await openTestDatabase(under.url);
  const cut = `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`;
  await admin.fork().execute(cut);
  await admin.close();
  for (let attempt = 0; attempt < 20; attempt++) await under.database.ping().catch(() => undefined);
  await appendMany(under.events, 'room:1', 1);
  assert.equal((await under.events.head('room:1')).lastSeq, 2);
});

test('countQueries lists the statements of a run, without transaction control and background work', async () => {
  await using under = await startEvents();
  under.events.startRelay();
  const { result, queries } = await under.database.countQueries(async () => {
    await under.database.background(() => under.database.fork().execute('select 1 as background'));
    return under.database.fork().transactional((em) => em.execute<{ two: number }[]>('select 2 as two'));
  });
  assert.deepEqual(result, [{ two: 2 }]);
  assert.deepEqual(queries, ['select 2 as two']);
  assert.equal((await under.database.poolStats()).max, 10);
});

test('a cursor survives the way through a client, and any other text is refused', () => {
  for (const cursor of [
    { epoch: 0, seq: 0 },
    { epoch: 2_147_483_647, seq: 123_456_789_012 },
  ])
    assert.deepEqual(decodeCursor(encodeCursor(cursor)), cursor);
  const forged = [
    '1.1',
    '2.1.1',
    '1.-1.1',
    '1.1.1e9',
    '1.01.1',
    '1.1.1.1',
    '1.99999999999.1',
    ' 1.1.1',
    '1.1.1\n',
  ];
  for (const text of ['', 'x', '💥', ...forged.map((plain) => Buffer.from(plain).toString('base64url'))])
    assert.throws(
      () => decodeCursor(text),
      (error: unknown) => {
        assert.ok(error instanceof Refusal);
        assert.equal(error.errors[0].rule, 'MALFORMED_CURSOR');
        return true;
      },
    );
});
