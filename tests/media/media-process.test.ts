import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { listen } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { CLOSE_CODES } from '#schema/signalling.ts';
import { SECRET, skipWithoutWorker } from './media-kit.ts';
import { SignallingClient } from './signalling-client.ts';

const ENTRY = fileURLToPath(new URL('../../media-server/index.ts', import.meta.url));

type Started = ReturnType<typeof start>;

describe('The media server as a process of its own', () => {
  const started: Started[] = [];
  const run = (env: Record<string, string>) => {
    const one = start({ PORT: '0', INTERNAL_SECRET: SECRET, MEDIA_WORKERS: '1', ...env });
    started.push(one);
    return one;
  };
  after(() => started.forEach(({ child }) => child.kill('SIGKILL')));

  test(
    'is ready once a worker runs, and stops on SIGTERM with code 0',
    { skip: skipWithoutWorker },
    async () => {
      const server = run({ MEDIA_MIN_PORT: '44000', MEDIA_MAX_PORT: '44009' });
      const origin = `http://127.0.0.1:${await server.port}`;
      assert.equal((await fetch(`${origin}/health/live`)).status, 200);
      assert.equal((await fetch(`${origin}/health/ready`)).status, 200);
      assert.match(await (await fetch(`${origin}/metrics`)).text(), /veza_media_workers\S* 1\n/);
      assert.equal((await fetch(`${origin}/live/x`)).status, 404);
      const client = new SignallingClient(`${origin.replace('http', 'ws')}/media`);
      await client.opened;
      server.child.kill('SIGTERM');
      assert.equal((await client.closed).code, CLOSE_CODES.SERVER_SHUTDOWN);
      assert.equal(await server.exitCode, 0);
    },
  );

  test('lives without a worker, but is not ready, and the log says why', async () => {
    const server = run({ MEDIASOUP_WORKER_BIN: '/nowhere/mediasoup-worker' });
    const origin = `http://127.0.0.1:${await server.port}`;
    assert.equal((await fetch(`${origin}/health/live`)).status, 200);
    const ready = await fetch(`${origin}/health/ready`);
    assert.equal(ready.status, 503);
    assert.equal((await ready.json()).checks.workers, 'down');
    server.child.kill('SIGTERM');
    assert.equal(await server.exitCode, 0);
    assert.match(server.lines.join('\n'), /"check":"workers","reason":".*\/nowhere\/mediasoup-worker/);
  });

  test('names all wrong variables at once', async () => {
    const server = run({ MEDIA_LISTEN_IP: 'here', INTERNAL_SECRET: 'short', MEDIA_WORKERS: 'many' });
    assert.equal(await server.exitCode, 1);
    for (const name of ['MEDIA_LISTEN_IP', 'INTERNAL_SECRET', 'MEDIA_WORKERS'])
      assert.match(server.errors.join(''), new RegExp(name));
  });

  test('names variables that do not go together', async () => {
    const server = run({ MEDIA_LISTEN_IP: '0.0.0.0', MEDIA_MIN_PORT: '44000', MEDIA_MAX_PORT: '43000' });
    assert.equal(await server.exitCode, 1);
    for (const name of ['MEDIA_ANNOUNCED_ADDRESS', 'MEDIA_MAX_PORT'])
      assert.match(server.errors.join(''), new RegExp(name));
  });

  test('says that its port is in use, and leaves no worker behind', async () => {
    const log = createLog('test', 'silent');
    const other = await listen({ host: '127.0.0.1', port: 0, routes: [], log });
    const server = run({ PORT: String(other.port) });
    assert.equal(await server.exitCode, 1);
    assert.match(server.errors.join(''), new RegExp(`${other.port}.*in use`));
    await other.close(0);
  });
});

/** Starts the entry file; `port` resolves with the port of its "ready" line. */
function start(env: Record<string, string>) {
  const { PATH = '', HOME = '', CI = '' } = process.env;
  const child = spawn(process.execPath, [ENTRY], {
    env: { PATH, HOME, CI, LOG_LEVEL: 'info', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const errors: string[] = [];
  child.stderr.on('data', (data: Buffer) => errors.push(data.toString()));
  const lines: string[] = [];
  const output = createInterface({ input: child.stdout });
  const port = new Promise<number>((resolve) =>
    output.on('line', (line) => {
      lines.push(line);
      const { msg, port } = JSON.parse(line);
      if (msg === 'ready') resolve(Number(port));
    }),
  );
  const exitCode = once(child, 'close').then(([code]) => code);
  return { child, errors, lines, port, exitCode };
}
