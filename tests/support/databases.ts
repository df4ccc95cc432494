import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { createLog } from '#platform/log.ts';
import { startEmbeddedPostgres } from '#platform/postgres/embedded-postgres.ts';

export interface TestDatabase {
  readonly url: string;
  /** Ends its connections and removes it. */
  drop(): Promise<void>;
}

/**
 * An empty database of its own on the server of TEST_DATABASE_URL, else of TEST_EMBEDDED_URL (the embedded server of a whole test run), else on
 * an embedded server that is started for this test file.
 */
export async function createTestDatabase(): Promise<TestDatabase> {
  const { serverUrl, release } = await requireServer();
  const name = `veza_test_${randomBytes(8).toString('hex')}`;
  await execute(serverUrl, `create database ${name}`);
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return {
    url: url.href,
    async drop() {
      await execute(serverUrl, `drop database if exists ${name} with (force)`);
      await release();
    },
  };
}

/** Runs one statement over a connection of its own. */
export async function execute(url: string, sql: string): Promise<void> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(sql);
  } finally {
    await client.end();
  }
}

interface Server {
  readonly serverUrl: string;
  release(): Promise<void>;
}

async function requireServer(): Promise<Server> {
  const serverUrl = process.env.TEST_DATABASE_URL || process.env.TEST_EMBEDDED_URL;
  if (serverUrl) return { serverUrl, release: async () => undefined };
  embedded ??= startOwnServer();
  const own = await embedded;
  own.users += 1;
  return { serverUrl: own.url, release: () => releaseOwnServer(own) };
}

interface OwnServer {
  readonly url: string;
  /** Databases in use; the last one to go stops the server, so that the test process can end. */
  users: number;
  stop(): Promise<void>;
}

let embedded: Promise<OwnServer> | null = null;

async function startOwnServer(): Promise<OwnServer> {
  const dataDir = await mkdtemp(join(tmpdir(), 'veza-test-postgres-'));
  // The server may run as another user, who has to get in.
  await chmod(dataDir, 0o755);
  const server = await startEmbeddedPostgres({ dataDir, log: createLog('test', 'silent') });
  return {
    url: server.url('postgres'),
    users: 0,
    async stop() {
      await server.stop();
      await rm(dataDir, { recursive: true, force: true });
    },
  };
}

async function releaseOwnServer(own: OwnServer): Promise<void> {
  own.users -= 1;
  if (own.users > 0) return;
  embedded = null;
  await own.stop();
}
