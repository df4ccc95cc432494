import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { after, before, test } from 'node:test';
import { Client } from 'pg';
import { z } from 'zod';
import { createLog } from '#platform/log.ts';
import { identify, isAlive } from '#platform/machine/process-identity.mjs';
import { startEmbeddedPostgres, type EmbeddedPostgresOptions } from '#platform/postgres/embedded-postgres.ts';
import { ensureDatabases } from '#platform/postgres/ensure-databases.ts';

const PROCESS = new URL('../support/embedded-postgres-process.ts', import.meta.url).pathname;
const isRoot = process.getuid?.() === 0;
const root = mkdtempSync(join(tmpdir(), 'veza-postgres-'));
chmodSync(root, 0o755);
let copies = 0;

const start = (dataDir: string, more: Partial<EmbeddedPostgresOptions> = {}) =>
  startEmbeddedPostgres({ dataDir, log: createLog('test', 'silent'), ...more });

/** A folder that holds an initialised, stopped cluster: initdb runs once for all tests. */
function copyOfTemplate(): string {
  const copy = join(root, `copy-${(copies += 1)}`);
  assert.equal(spawnSync('cp', ['-a', join(root, 'template'), copy]).status, 0);
  return copy;
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(sql)).rows.map((row) => Object.values(row)[0]);
  } finally {
    await client.end();
  }
}

before(async () => {
  const server = await start(join(root, 'template'));
  await server.stop();
});

after(() => rmSync(root, { recursive: true, force: true }));

test('a started server answers, with durability on and only to its password', async () => {
  const dataDir = copyOfTemplate();
  const server = await start(dataDir);
  try {
    const url = server.url('postgres');
    assert.deepEqual(await query(url, 'show fsync'), ['on']);
    assert.deepEqual(await query(url, 'show synchronous_commit'), ['on']);
    assert.deepEqual(await query(url, 'show listen_addresses'), ['127.0.0.1']);
    const withWrongPassword = new URL(url);
    withWrongPassword.password = 'guess';
    await assert.rejects(query(withWrongPassword.href, 'select 1'), /password authentication failed/);
  } finally {
    await server.stop();
  }
  await server.stop();
});

test('missing databases are made, present ones kept, also by two processes at once', async () => {
  const server = await start(copyOfTemplate());
  try {
    const url = server.url('postgres');
    const names = ['chat', 'odd "name"'];
    await Promise.all([ensureDatabases(url, names), ensureDatabases(url, names)]);
    await ensureDatabases(url, names);
    assert.deepEqual(await query(server.url('odd "name"'), 'select current_database()'), ['odd "name"']);
  } finally {
    await server.stop();
  }
});

test('a committed row survives kill -9 of the process, and the next start ends the server left behind', async () => {
  const dataDir = copyOfTemplate();
  const child = spawn(process.execPath, [PROCESS, dataDir], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [line] = await once(createInterface(child.stdout), 'line');
  const { pid } = z.object({ pid: z.number() }).parse(JSON.parse(String(line)));
  child.kill('SIGKILL');
  await once(child, 'exit');
  const orphan = identify(pid);
  assert.ok(isAlive(orphan), 'the server should outlive its killed parent');
  const server = await start(dataDir);
  try {
    assert.equal(isAlive(orphan), false);
    assert.deepEqual(await query(server.url('postgres'), 'select word from kept'), ['committed']);
  } finally {
    await server.stop();
  }
});

test('a folder in use by a living process is refused, naming that process', async () => {
  const dataDir = copyOfTemplate();
  const server = await start(dataDir);
  try {
    await assert.rejects(start(dataDir), new RegExp(`in use by process ${process.pid}`));
    assert.deepEqual(await query(server.url('postgres'), 'select 1'), [1]);
  } finally {
    await server.stop();
  }
});

test('a stale postmaster.pid whose id now belongs to another process does not keep the server from starting', async () => {
  const dataDir = copyOfTemplate();
  const stranger = spawn('sleep', ['600']);
  try {
    const cluster = join(dataDir, 'data');
    writeFileSync(
      join(cluster, 'postmaster.pid'),
      `${stranger.pid}\n${cluster}\n1\n5432\n\n127.0.0.1\n1 1\nready\n`,
    );
    const server = await start(dataDir);
    await server.stop();
    assert.equal(stranger.exitCode, null);
    assert.equal(stranger.signalCode, null);
  } finally {
    stranger.kill('SIGKILL');
  }
});

test('an initialisation that was killed midway is done again', async () => {
  const dataDir = join(root, 'interrupted');
  mkdirSync(dataDir);
  const draftSeen = new Promise<void>((resolve) => {
    const watcher = watch(dataDir, (_event, name) => {
      if (!name?.startsWith('data.draft-')) return;
      watcher.close();
      resolve();
    });
  });
  const child = spawn(process.execPath, [PROCESS, dataDir], { stdio: 'ignore' });
  await draftSeen;
  child.kill('SIGKILL');
  await once(child, 'exit');
  assert.equal(existsSync(join(dataDir, 'data')), false, 'the kill should come before initdb is through');
  const server = await start(dataDir);
  try {
    assert.deepEqual(await query(server.url('postgres'), 'select 1'), [1]);
  } finally {
    await server.stop();
  }
  const again = await start(dataDir);
  await again.stop();
  assert.deepEqual(
    readdirSync(dataDir).filter((name) => name.startsWith('data.draft-')),
    [],
  );
});

test('a server that was killed itself recovers what was committed', async () => {
  const dataDir = copyOfTemplate();
  const server = await start(dataDir);
  await query(server.url('postgres'), "create table kept as select 'committed' as word");
  process.kill(server.pid, 'SIGKILL');
  await server.stop();
  const next = await start(dataDir);
  try {
    assert.deepEqual(await query(next.url('postgres'), 'select word from kept'), ['committed']);
  } finally {
    await next.stop();
  }
});

test('data of another major version is refused and left alone', async () => {
  const dataDir = copyOfTemplate();
  const file = join(dataDir, 'data', 'PG_VERSION');
  writeFileSync(file, '9\n');
  await assert.rejects(
    start(dataDir),
    /holds data of PostgreSQL version 9, and the embedded server is version \d+/,
  );
  assert.equal(readFileSync(file, 'utf8'), '9\n');
});

test('a port that is taken is named', async () => {
  const blocker = createServer().listen(0, '127.0.0.1');
  await once(blocker, 'listening');
  const { port } = z.object({ port: z.number() }).parse(blocker.address());
  try {
    await assert.rejects(
      start(copyOfTemplate(), { port }),
      new RegExp(`127\\.0\\.0\\.1:${port}: the port is in use`),
    );
  } finally {
    blocker.close();
  }
});

for (const runAs of ['nobody', 'user namespace'] as const) {
  const skip = isRoot ? false : 'only root changes users';
  test(`root runs the server as ${runAs}, on a cluster that belonged to someone else`, { skip }, async () => {
    const dataDir = copyOfTemplate();
    for (const mode of [runAs, runAs === 'nobody' ? 'user namespace' : 'nobody', runAs] as const) {
      const server = await start(dataDir, { runAs: mode });
      assert.deepEqual(await query(server.url('postgres'), 'select 1'), [1]);
      await server.stop();
    }
  });
}
