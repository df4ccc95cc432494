import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createTestDatabase, type TestDatabase } from '../support/databases.ts';
import { runNode, type RunningProcess } from '../support/running-process.ts';
import { freePort } from '../support/servers.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcp-proxy.ts';

const entry = new URL('../../subgraphs/user/index.ts', import.meta.url).pathname;
const INTERNAL_SECRET = 'a-secret-of-the-tests-that-is-long-enough';
const runUser = (env: NodeJS.ProcessEnv) => runNode([entry], env);

describe('a subgraph as a process of its own', () => {
  let database: TestDatabase;
  let proxy: TcpProxy;
  let folder: string;
  let user: RunningProcess;
  let base: string;
  const status = async (path: string) => (await fetch(base + path)).status;

  before(async () => {
    database = await createTestDatabase();
    folder = await mkdtemp(join(tmpdir(), 'veza-files-'));
    const url = new URL(database.url);
    proxy = await startTcpProxy(url.hostname, Number(url.port || 5432));
    url.host = `127.0.0.1:${proxy.port}`;
    const port = await freePort();
    base = `http://127.0.0.1:${port}`;
    const env = { USER_DATABASE_URL: url.href, PORT: String(port), FILES_DIR: folder, INTERNAL_SECRET };
    user = runUser(env);
    await user.says('"msg":"ready"');
  });
  after(async () => {
    user.child.kill('SIGKILL');
    await user.ended;
    await proxy.close();
    await database.drop();
    await rm(folder, { recursive: true });
  });

  it('answers GraphQL, health, metrics and its public keys', async () => {
    assert.equal(await status('/health/live'), 200);
    assert.equal(await status('/health/ready'), 200);
    assert.match(await (await fetch(`${base}/metrics`)).text(), /service="user"/);
    const jwks = (await (await fetch(`${base}/.well-known/jwks.json`)).json()) as { keys: { kty: string }[] };
    assert.equal(jwks.keys[0]?.kty, 'OKP');
    const body = JSON.stringify({ query: '{ __typename }' });
    const answer = await fetch(`${base}/graphql`, { method: 'POST', body });
    assert.deepEqual(await answer.json(), { data: { __typename: 'Query' } });
  });

  it('is not ready while its database is away, stays alive, and recovers by itself', async () => {
    proxy.block();
    const response = await fetch(`${base}/health/ready`);
    assert.equal(response.status, 503);
    const { checks } = (await response.json()) as { checks: Record<string, string> };
    assert.equal(checks['database'], 'down');
    assert.equal(checks['liveBus'], 'up');
    assert.equal(await status('/health/live'), 200);
    proxy.open();
    assert.equal(await status('/health/ready'), 200);
  });

  it('closes on SIGTERM, and exits with 0', async () => {
    user.child.kill('SIGTERM');
    assert.equal(await user.ended, 0, user.stderr());
  });
});

describe('a subgraph that cannot start', () => {
  it('names every wrong or missing variable at once, and exits with 1', async () => {
    const run = runUser({ PORT: 'many', REDIS_URL: 'http://x', INTERNAL_SECRET: 'hush' });
    assert.equal(await run.ended, 1);
    for (const name of ['PORT', 'REDIS_URL', 'INTERNAL_SECRET', 'USER_DATABASE_URL'])
      assert.match(run.stderr(), new RegExp(`- ${name}: `));
    assert.doesNotMatch(run.stderr() + run.stdout(), /hush|at .*\.ts/);
  });

  it('says which database does not answer, without the password, and exits with 1', async () => {
    const port = await freePort();
    const run = runUser({
      DATABASE_URL: `postgres://user:hush@127.0.0.1:${port}/shop`,
      FILES_DIR: tmpdir(),
      INTERNAL_SECRET,
    });
    assert.equal(await run.ended, 1);
    assert.match(
      run.stderr(),
      new RegExp(`^The database shop_user at 127.0.0.1:${port} .*ECONNREFUSED.*\n$`),
    );
    assert.doesNotMatch(run.stderr() + run.stdout(), /hush/);
  });

  it('says which port is in use, and exits with 1', async () => {
    const database = await createTestDatabase();
    const taken = await startTcpProxy('127.0.0.1', 1);
    try {
      const env = {
        USER_DATABASE_URL: database.url,
        PORT: String(taken.port),
        FILES_DIR: tmpdir(),
        INTERNAL_SECRET,
      };
      const run = runUser(env);
      assert.equal(await run.ended, 1);
      assert.match(run.stderr(), new RegExp(`^Port ${taken.port} on 127.0.0.1 is in use`));
    } finally {
      await taken.close();
      await database.drop();
    }
  });
});
