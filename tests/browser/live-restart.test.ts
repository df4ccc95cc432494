import assert from 'node:assert/strict';
import { after, before, describe, test, type TestContext } from 'node:test';
import { newId } from '#platform/ids.ts';
import { httpMediaServers } from '../../subgraphs/stream/service/media-http.ts';
import { skipWithoutWorker } from '../media/media-kit.ts';
import { startMediaServerProcess, type MediaServerProcess } from '../media/media-server-process.ts';
import { requireChromium } from '../support/system-packages.ts';
import { consumersOf, hears, openLiveEars, type Ear, type LiveEars } from './live-ears.ts';
import { PATIENCE_MS } from './live-page-driver.ts';

const program = await requireChromium();
const executablePath = 'missing' in program ? '' : program.executablePath;
const skipped = 'missing' in program ? program.missing : skipWithoutWorker;
if (skipped && process.env.CI) throw new Error(skipped);

/** After the server is there again. */
const BACK_WITHIN_MS = 2_000;
/** The only media server: it shares nothing with others. */
const ALONE = { REDIS_URL: '', MEDIA_INTERNAL_URL: '', MEDIA_PUBLIC_URL: '' };

describe('A room whose only media server', { skip: skipped, timeout: 6 * PATIENCE_MS }, () => {
  const liveRoomId = newId('LiveRoom');
  let server: MediaServerProcess;
  let ears: LiveEars;
  let ada: Ear;
  let bob: Ear;

  before(async () => {
    server = await startMediaServerProcess(ALONE);
    const { url: publicUrl, port } = server;
    const webUrl = `http://127.0.0.1:${port}`;
    const media = httpMediaServers({ url: webUrl, publicUrl, webUrl });
    ears = await openLiveEars(executablePath, liveRoomId, async () => {
      const location = await media.locate(liveRoomId);
      return location.available ? location.url : null;
    });
    ada = await ears.enter(440);
    bob = await ears.enter(880);
    await Promise.all([hears(ada, bob), hears(bob, ada)]);
  });
  after(async () => {
    await ears.close();
    server.child.kill('SIGKILL');
  });

  const restart = async (t: TestContext, signal: 'SIGTERM' | 'SIGKILL') => {
    const [toAda, toBob] = await Promise.all([consumersOf(ada), consumersOf(bob)]);
    const startedMs = performance.now();
    server.child.kill(signal);
    await server.exitCode;
    const stoppedMs = performance.now();
    server = await startMediaServerProcess(ALONE, server.port);
    const readyMs = performance.now();
    await Promise.all([hears(ada, bob, toAda), hears(bob, ada, toBob)]);
    const backMs = performance.now();
    const parts = { stop: stoppedMs - startedMs, start: readyMs - stoppedMs, back: backMs - readyMs };
    t.diagnostic(
      JSON.stringify(parts, (_key, value) => (typeof value === 'number' ? Math.round(value) : value)),
    );
    assert.ok(parts.back < BACK_WITHIN_MS);
  };

  test('is updated is heard again by itself', (t) => restart(t, 'SIGTERM'));
  test('is killed and started again is heard again by itself', (t) => restart(t, 'SIGKILL'));
});
