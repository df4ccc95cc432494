import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import { findWorker } from '../../media-server/worker/find-worker.mjs';
import { iceServers } from '../../subgraphs/stream/service/ice-servers.ts';
import { freePort, restartableServer } from '../support/servers.ts';
import { requireChromium, requireTurnServer } from '../support/system-packages.ts';
import { connected, HEARD, launch, levelOf, PATIENCE_MS, signIn } from './live-page-driver.ts';
import { liveUser, startLivePlatform } from './live-platform.ts';
import { openRawMicrophone, relayedBy, relayOnly, watchPeerConnections } from './peer-connections.ts';
import { createTone } from './tone.ts';

const programs = [await requireChromium(), await requireTurnServer()];
const worker = findWorker();
const [chromium, turnserver] = programs.map((one) => ('missing' in one ? '' : one.executablePath));
const absent = programs.flatMap((one) => ('missing' in one ? [one.missing] : []));
const missing = absent[0] ?? (worker.path === null ? worker.reason : null);
if (missing && process.env.CI) throw new Error(missing);

const SECRET = 'a secret of the TURN server';
const HOST = '127.0.0.1';
const CREDENTIALS_LAST_MS = 6 * 3_600_000;

/** coturn as an operator sets it up, but for addresses of this machine alone. */
async function startTurnServer(t: TestContext): Promise<string> {
  const [minPort, maxPort] = [49_152, 49_400];
  const server = await restartableServer(turnserver ?? '', (port, folder) => [
    ...['-n', '--no-cli', '--no-tls', '--no-dtls', '--allow-loopback-peers', '--fingerprint'],
    ...['--listening-ip', HOST, '--relay-ip', HOST, '--listening-port', `${port}`],
    ...['--min-port', `${minPort}`, '--max-port', `${maxPort}`],
    ...['--realm', 'veza.example', '--use-auth-secret', '--static-auth-secret', SECRET],
    ...['--pidfile', `${folder}/pid`, '--userdb', `${folder}/users`, '--log-file', 'stdout'],
  ]);
  await server.start();
  t.after(() => server[Symbol.asyncDispose]());
  return `turn:${HOST}:${server.port}`;
}

/** Ada speaks and Ben listens; neither reaches anything but the TURN server, with credentials that were made at `madeAt`. */
async function openRoom(t: TestContext, transport: 'udp' | 'tcp', madeAt: Date) {
  const [ada, ben] = [liveUser('Ada', 'SPEAKER'), liveUser('Ben', 'LISTENER')];
  const url = `${await startTurnServer(t)}?transport=${transport}`;
  const tone = await createTone();
  t.after(() => tone.remove());
  const port = await freePort();
  const platform = await startLivePlatform([ada, ben], worker.path ?? '', {
    listen: { ip: HOST, minPort: port, maxPort: port },
    iceServers: (userId) => iceServers({ urls: [url], secret: SECRET }, userId, madeAt),
  });
  t.after(() => platform.close());
  const enter = async (user: typeof ada) => {
    const browser = await launch(chromium ?? '', tone.path);
    t.after(() => browser.close());
    const page = await browser.newPage();
    page.setDefaultTimeout(PATIENCE_MS);
    await relayOnly(page);
    await watchPeerConnections(page);
    await openRawMicrophone(page);
    await page.goto(platform.url);
    await signIn(page, user);
    return page;
  };
  return { ada, ben, enter };
}

describe(
  'A room whose people reach a TURN server only',
  { skip: missing ?? false, timeout: 4 * PATIENCE_MS },
  () => {
    for (const transport of ['udp', 'tcp'] as const)
      test(`is heard through it over ${transport}`, async (t) => {
        const { ada, ben, enter } = await openRoom(t, transport, new Date());
        const [speaking, listening] = await Promise.all([enter(ada), enter(ben)]);
        await Promise.all([connected(speaking), connected(listening)]);
        await levelOf(listening, ada, (level) => level > HEARD);
        for (const page of [speaking, listening]) assert.deepEqual(await relayedBy(page), [transport]);
      });

    test('is closed to credentials that have ended', async (t) => {
      const { ada, enter } = await openRoom(t, 'udp', new Date(Date.now() - CREDENTIALS_LAST_MS - 60_000));
      const page = await enter(ada);
      await page.waitForFunction(() => globalThis.iceErrors.includes(401));
      assert.deepEqual(await relayedBy(page), []);
    });
  },
);
