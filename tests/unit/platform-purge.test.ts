import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { Migration } from '@mikro-orm/migrations';
import { openDatabase, type Database } from '#platform/database.ts';
import { abandonFile, claimFile, KEEP_UNCLAIMED_MS } from '#platform/files/unclaimed-files.ts';
import { createPurge } from '#platform/purge.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { silentLog } from '../support/events.ts';
import { recordingLog } from '../support/recording-log.ts';

class Notes extends Migration {
  override up(): void {
    this.addSql('create table note (id int primary key, at timestamptz not null)');
    this.addSql('create table remark (note_id int not null references note (id))');
  }
}

const NOW = new Date('2026-03-25T12:00:00.000Z');
const NOTES = { table: 'note', keepMs: 60_000, where: 'r.at < ?' };

describe('the purge', () => {
  let testDatabase: TestDatabase;
  let database: Database;
  before(async () => {
    testDatabase = await createTestDatabase();
    const { url } = testDatabase;
    database = await openDatabase({
      ...{ url, name: 'notes', entities: [], migrations: [Notes], log: silentLog },
    });
    await database.migrate();
  });
  after(async () => {
    await database.close();
    await testDatabase.drop();
  });
  beforeEach(() => database.fork().execute('truncate note, remark'));

  const deps = () => ({ database, log: silentLog, now: () => NOW });
  /** `count` notes, each a second older than the one before. */
  const write = (count: number) =>
    database
      .fork()
      .execute(
        `insert into note select n, ?::timestamptz - n * interval '1 second' from generate_series(1, ?) n`,
        [NOW, count],
      );
  const left = async () =>
    (await database.fork().execute<{ id: number }[]>('select id from note order by id')).map(({ id }) => id);
  const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

  it('deletes what is older than its rule keeps it, in batches, and says how much', async () => {
    await write(100);
    const recording = recordingLog();
    const purge = createPurge({ ...deps(), rules: [NOTES], log: recording.log, batchRows: 7 });
    await purge.purgeDue();
    assert.deepEqual(await left(), upTo(60));
    assert.match(recording.text(), /"rows":{"note":40},"msg":"old rows deleted"/);
    await purge.purgeDue();
    assert.deepEqual(await left(), upTo(60));
    assert.equal(recording.count('info'), 1);
  });

  it('takes tables in the order of its rules', async () => {
    await write(100);
    await database.fork().execute('insert into remark select id from note');
    const ofOld = 'exists (select from note n where n.id = r.note_id and n.at < ?)';
    const unmarked = 'r.at < ? and not exists (select from remark m where m.note_id = r.id)';
    const rules = [
      { table: 'remark', keepMs: 60_000, where: ofOld },
      { ...NOTES, where: unmarked },
    ];
    await createPurge({ ...deps(), rules, batchRows: 7 }).purgeDue();
    assert.deepEqual(await left(), upTo(60));
  });

  it('waits for nobody who has locked a row', async () => {
    await write(100);
    await database.fork().transactional(async (em) => {
      await em.execute('select from note where id = 80 for update');
      await createPurge({ ...deps(), rules: [NOTES] }).purgeDue();
      assert.deepEqual(await left(), [...upTo(60), 80]);
    });
  });

  it('is done by one process at a time', async () => {
    await write(100);
    const held = Promise.withResolvers<void>();
    const locked = Promise.withResolvers<void>();
    // As if another process were at it: it takes the lock with its first row, and waits.
    const other = database.fork().transactional(async (em) => {
      await em.execute('select pg_try_advisory_xact_lock(7346103)');
      locked.resolve();
      await held.promise;
    });
    await locked.promise;
    await createPurge({ ...deps(), rules: [NOTES] }).purgeDue();
    assert.equal((await left()).length, 100);
    held.resolve();
    await other;
    await createPurge({ ...deps(), rules: [NOTES] }).purgeDue();
    assert.equal((await left()).length, 60);
  });

  it('deletes files that nobody has claimed, and tries those again that cannot be deleted now', async () => {
    const em = database.fork();
    const old = new Date(NOW.getTime() - KEEP_UNCLAIMED_MS - 1);
    const keys = Array.from({ length: 120 }, (_, index) => `files/${index}`);
    for (const key of ['files/stuck', ...keys]) await abandonFile(em, key, old);
    await claimFile(em, 'files/7');
    const deleted: string[] = [];
    let isStuck = true;
    const remove = async (key: string) => {
      if (isStuck && key === 'files/stuck') throw new Error('no');
      deleted.push(key);
    };
    const fail = () => Promise.reject(new Error('nobody asks for this'));
    const files = { put: fail, read: fail, urlOf: fail, delete: remove };
    const purgeAt = (now: Date) => createPurge({ ...deps(), rules: [], files, now: () => now }).purgeDue();
    await purgeAt(NOW);
    assert.deepEqual(deleted.toSorted(), keys.filter((key) => key !== 'files/7').toSorted());
    isStuck = false;
    const later = new Date(NOW.getTime() + KEEP_UNCLAIMED_MS + 1);
    await abandonFile(em, 'files/fresh', later);
    await purgeAt(later);
    assert.equal(deleted.at(-1), 'files/stuck');
    assert.deepEqual(await em.execute('select key from unclaimed_file'), [{ key: 'files/fresh' }]);
  });

  it('begins when it is started, and ends between two batches', async () => {
    await write(100);
    const recording = recordingLog();
    const purge = createPurge({ ...deps(), rules: [NOTES], log: recording.log });
    purge.start();
    while (recording.count('info') === 0) await new Promise(setImmediate);
    await purge.stop();
    assert.deepEqual(await left(), upTo(60));
  });
});
