import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { Client } from 'pg';
import { textArray } from '#platform/text-array.ts';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';

describe('a text array', () => {
  let database: TestDatabase;
  let client: Client;
  before(async () => {
    database = await createTestDatabase();
    client = new Client({ connectionString: database.url });
    await client.connect();
  });
  after(async () => {
    await client.end();
    await database.drop();
  });

  const throughPostgres = async (values: readonly (string | number)[], type: string) => {
    const { rows } = await client.query<{ back: unknown[] }>(`select $1::${type}[] as back`, [
      textArray(values),
    ]);
    return rows[0]?.back;
  };

  it('reaches PostgreSQL as it is, whatever its elements hold', async () => {
    const awkward = [
      ...['null', 'NULL', '', ' a ', ',', '{}', '{a,b}', '"', '\\', '\\"', '\\n', "'", '$1', '?'],
      ...['a\nb', 'tab\there', '\u0001', 'é', '🎧'],
    ];
    assert.deepEqual(await throughPostgres(awkward, 'text'), awkward);
    assert.deepEqual(await throughPostgres([], 'text'), []);
  });

  it('serves arrays of numbers too', async () => {
    assert.deepEqual(await throughPostgres([3, -1, 0], 'int'), [3, -1, 0]);
  });
});
