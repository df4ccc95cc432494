import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { DEMO_PASSWORD, DEMO_USERS } from '#platform/demo.ts';
import { platformClient } from '../support/platform-client.ts';
import { dataFolder, startPlatformProcess, type PlatformProcess } from '../support/platform-process.ts';
import { journey, signUp } from './journey.ts';

describe('the platform in one process, on its embedded parts', () => {
  let folder: Awaited<ReturnType<typeof dataFolder>>;
  let platform: PlatformProcess;
  before(async () => {
    folder = await dataFolder();
    platform = await startPlatformProcess(folder.path);
  });
  after(async () => {
    await platform.end('SIGTERM');
    await folder.remove();
  });

  it('serves the whole journey of its users [S01 S08 F04]', () => journey(platform.url));

  it('prints where it is and who can sign in, and these can', async () => {
    const [{ email }] = DEMO_USERS;
    assert.match(platform.output(), new RegExp(`${email}\\s+${DEMO_PASSWORD}`));
    assert.match(platform.output(), /Live room\s+http:\S+\/live\/liv_/);
    const { login } = await platformClient(platform.url).data(
      'mutation ($input: LoginInput!) { login(input: $input) { ... on TokenPair { viewer { user { handle } } } } }',
      { input: { email, password: DEMO_PASSWORD } },
    );
    assert.equal(login.viewer.user.handle, DEMO_USERS[0].handle);
  });

  it('answers one query about a demo artist out of five subgraphs [S01]', async () => {
    const { user } = await platformClient(platform.url).data(
      `{ user(handle: "mira") {
        displayName presence { status } liveRoom { title state }
        tracks(first: 3) { nodes { title playCount } } products(first: 3) { nodes { title } }
      } }`,
    );
    assert.equal(user.displayName, 'Mira Okafor');
    assert.ok(user.tracks.nodes.length > 0);
    assert.ok(user.products.nodes.length > 0);
  });

  it('tells that it lives, that it is ready and how it does [O01 O03]', async () => {
    assert.equal((await fetch(`${platform.url}/health/live`)).status, 200);
    const ready = await fetch(`${platform.url}/health/ready`);
    assert.equal(ready.status, 200, await ready.text());
    assert.match(await (await fetch(`${platform.url}/metrics`)).text(), /process_cpu_seconds_total/);
  });

  it('loses nothing when it is killed, and starts again on what is there [E04]', async () => {
    const member = await signUp(platform.url, 'survivor');
    await platform.end('SIGKILL');
    platform = await startPlatformProcess(folder.path);
    const { user } = await platformClient(platform.url).data(
      'query ($handle: String) { user(handle: $handle) { id } }',
      {
        handle: member.handle,
      },
    );
    assert.equal(user.id, member.userId);
    const { viewer } = await platformClient(platform.url, member.token).data('{ viewer { id } }');
    assert.equal(viewer.id, member.userId);
  });

  it('stops everything on Ctrl-C, the embedded PostgreSQL included, and exits with 0', async () => {
    const pidFile = join(folder.path, 'postgres', 'data', 'postmaster.pid');
    const postgres = Number((await readFile(pidFile, 'utf8')).split('\n')[0]);
    assert.equal(await platform.end('SIGINT'), 0, platform.output());
    assert.throws(() => process.kill(postgres, 0), { code: 'ESRCH' });
    platform = await startPlatformProcess(folder.path);
  });

  it('refuses to start on a taken port, with one message that names it [P11]', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    const { port } = other.address() as { port: number };
    const start = startPlatformProcess(folder.path, { PORT: String(port) });
    await assert.rejects(start, (error: Error) => {
      assert.match(error.message, /ended with 1/);
      assert.match(error.message, new RegExp(`Port ${port} on 127.0.0.1 is in use`));
      assert.doesNotMatch(error.message, /\n\s+at /);
      return true;
    });
    other.close();
  });

  it('names every wrong variable at once', async () => {
    const env = { PORT: 'abc', LOG_LEVEL: 'loud', DATABASE_URL: 'mysql://x', INTERNAL_SECRET: 'short' };
    await assert.rejects(startPlatformProcess(folder.path, env), (error: Error) => {
      for (const name of Object.keys(env)) assert.match(error.message, new RegExp(`- ${name}: `));
      assert.match(error.message, /ended with 1/);
      assert.doesNotMatch(error.message, /\n\s+at /);
      return true;
    });
  });

  it('treats its subgraphs as GATEWAY_CONFIG says, like a gateway in a process of its own', async () => {
    const { token } = await signUp(platform.url, 'configured');
    const query = '{ viewer { user { displayName } } user(id: "none", handle: "mira") { id } }';
    const asked = await platformClient(platform.url, token).run(query);
    assert.notEqual(asked.data.viewer, null);
    assert.match(asked.errors?.[0].message, /^Give either id or handle/);
    await platform.end('SIGTERM');
    const GATEWAY_CONFIG = join(folder.path, 'gateway.yaml');
    await writeFile(
      GATEWAY_CONFIG,
      'subgraphs: { user: { headers: { strip: [x-veza-viewer] }, errors: { mask: true } } }',
    );
    platform = await startPlatformProcess(folder.path, { GATEWAY_CONFIG });
    const { data, errors } = await platformClient(platform.url, token).run(query);
    assert.deepEqual(data, { viewer: null, user: null });
    assert.equal(errors?.[0].message, 'The subgraph user answered with an error.');
    const figures = await (await fetch(`${platform.url}/metrics`)).text();
    assert.match(figures, /gateway_subgraph_fetch_duration_seconds_count\{.*subgraph="user".*\} [1-9]/);
  });

  it('names every wrong setting of GATEWAY_CONFIG before it starts anything', async () => {
    const GATEWAY_CONFIG = join(folder.path, 'wrong.yaml');
    await writeFile(GATEWAY_CONFIG, 'requestDeadlineMs: 0\nnonsense: 1');
    await assert.rejects(startPlatformProcess(folder.path, { GATEWAY_CONFIG }), (error: Error) => {
      assert.match(error.message, /requestDeadlineMs[^]*nonsense/);
      assert.match(error.message, /ended with 1/);
      assert.doesNotMatch(error.message, /Database/);
      return true;
    });
  });

  it('names a database that cannot be reached, without its password', async () => {
    const env = { DATABASE_URL: 'postgres://someone:hidden@127.0.0.1:1/veza' };
    await assert.rejects(startPlatformProcess(folder.path, env), (error: Error) => {
      assert.match(error.message, /127\.0\.0\.1:1/);
      assert.doesNotMatch(error.message, /hidden/);
      assert.match(error.message, /ended with 1/);
      return true;
    });
  });
});
