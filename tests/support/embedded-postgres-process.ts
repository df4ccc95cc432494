/**
 * A process that starts the embedded PostgreSQL in the folder it is given, commits one row, says so with one JSON line
 * on standard output, and then waits to be killed.
 */
import { Client } from 'pg';
import { createLog } from '#platform/log.ts';
import { startEmbeddedPostgres } from '#platform/postgres/embedded-postgres.ts';

const dataDir = process.argv[2];
if (!dataDir) throw new Error('usage: embedded-postgres-process.ts DATA_DIR');
const server = await startEmbeddedPostgres({ dataDir, log: createLog('test', 'silent') });
const client = new Client({ connectionString: server.url('postgres') });
await client.connect();
await client.query('create table kept (word text)');
await client.query("insert into kept values ('committed')");
process.stdout.write(`${JSON.stringify({ pid: server.pid })}\n`);
setInterval(() => {}, 60_000);
