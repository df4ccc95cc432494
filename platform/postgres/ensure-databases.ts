import { Client } from 'pg';

/** SQLSTATEs of a database that another process made between the look and the creation. */
const MADE_MEANWHILE = new Set(['42P04', '23505']);

/**
 * Creates the databases that are missing. `url` names any existing database of the server; its user needs the right to
 * create databases. Safe to run in several processes at once.
 */
export async function ensureDatabases(url: string, names: readonly string[]): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    const { rows } = await client.query<{ datname: string }>(
      'select datname from pg_database where datname = any($1)',
      [names],
    );
    const present = new Set(rows.map(({ datname }) => datname));
    for (const name of names) {
      if (!present.has(name)) await createDatabase(client, name);
    }
  } finally {
    await client.end();
  }
}

async function createDatabase(client: Client, name: string): Promise<void> {
  try {
    await client.query(`create database ${client.escapeIdentifier(name)}`);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (typeof code !== 'string' || !MADE_MEANWHILE.has(code)) throw error;
  }
}
