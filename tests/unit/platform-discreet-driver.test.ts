import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { UniqueConstraintViolationException } from '@mikro-orm/core';
import { openDatabase, type Database } from '#platform/database.ts';
import { createLog } from '#platform/log.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';

describe('an error of the database', () => {
  let server: TestDatabase;
  let database: Database;
  let lines = '';
  const log = createLog('test', 'info', { write: (line) => void (lines += line) });
  before(async () => {
    server = await createTestDatabase();
    database = await openDatabase({ url: server.url, name: 'test', entities: [], migrations: [], log });
    await database
      .fork()
      .execute('create table person (email text primary key, born int not null, check (born > 0))');
    await database.fork().execute('insert into person values (?, 1990)', ['private@example.org']);
  });
  after(async () => {
    await database.close();
    await server.drop();
  });

  const failureOf = async (sql: string, ...parameters: unknown[]): Promise<Error> => {
    try {
      await database.fork().execute(sql, parameters);
    } catch (error) {
      assert.ok(error instanceof Error);
      return error;
    }
    throw new Error('This statement should have failed.');
  };

  it('says which constraint was violated, and nothing of the row', async () => {
    const insert = 'insert into person values (?, ?)';
    const failures = [
      await failureOf(insert, 'private@example.org', 1991),
      await failureOf(insert, 'private@example.com', null),
      await failureOf(insert, 'private@example.net', -5),
    ];
    for (const err of failures) log.error({ err, reason: err.message }, 'failed');
    assert.equal(lines.match(/"msg":"failed"/g)?.length, 3);
    assert.match(lines, /person_pkey/);
    assert.match(lines, /person_born_check/);
    assert.doesNotMatch(lines, /private@/);
    assert.ok(failures[0] instanceof UniqueConstraintViolationException);
  });

  it('that is about a NUL in a value is about the value', async () => {
    const error = await failureOf('select ?::text', 'a\0b');
    assert.equal('code' in error && error.code, '22021');
  });
});
