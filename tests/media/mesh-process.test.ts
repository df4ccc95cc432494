import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { freePort } from '../support/servers.ts';
import { newId } from '#platform/ids.ts';
import { signMediaGrant, type MediaGrantClaims } from '#platform/media-grant.ts';
import { CLOSE_CODES, isWorthReconnecting } from '#schema/signalling.ts';
import { services, skipWithout } from '../support/services.ts';
import { grantFor, SECRET, skipWithoutWorker } from './media-kit.ts';
import { SignallingClient } from './signalling-client.ts';

const ENTRY = fileURLToPath(new URL('../../media-server/index.ts', import.meta.url));

type Server = Awaited<ReturnType<typeof start>>;

describe('Two media servers over Redis', { skip: skipWithoutWorker || skipWithout('redisUrl') }, () => {
  const clients: SignallingClient[] = [];
  const liveRoomId = newId('LiveRoom');
  let one: Server;
  let two: Server;

  before(async () => {
    one = await start();
    two = await start();
  });
  after(async () => {
    for (const client of clients) await client.close();
    for (const { child } of [one, two]) child.kill('SIGKILL');
  });

  const enter = async ({ url }: Server, claims: Partial<MediaGrantClaims> = {}) => {
    const client = new SignallingClient(url);
    clients.push(client);
    const grant = grantFor({ liveRoomId, ...claims });
    const token = signMediaGrant(grant, SECRET);
    const { routerRtpCapabilities: rtpCapabilities } = await client.request('authenticate', { token });
    const { participants } = await client.request('join', { rtpCapabilities });
    return { client, grant, participants, participantId: grant.participantId };
  };

  test('share a room; of a server that drains everybody moves, and one that is killed is left', async () => {
    const anna = await enter(one);
    const ben = await enter(two);
    assert.deepEqual(
      ben.participants.map(({ participantId }) => participantId),
      [anna.participantId],
    );
    await anna.client.notified('peerJoined', ({ participantId }) => participantId === ben.participantId);

    one.child.kill('SIGTERM');
    await anna.client.notified('move');
    const { participantId, grant } = anna;
    const moved = await enter(two, { participantId, expiresAtMs: grant.expiresAtMs + 1 });
    assert.equal((await anna.client.closed).code, CLOSE_CODES.DUPLICATE_IDENTITY);
    assert.equal(await one.exitCode, 0);

    one = await start();
    two.child.kill('SIGKILL');
    for (const { client } of [ben, moved]) assert.ok(isWorthReconnecting((await client.closed).code));
    const back = await enter(one, { participantId, expiresAtMs: grant.expiresAtMs + 2 });
    await back.client.request('ping', {});
  });
});

async function start() {
  const port = await freePort();
  const { PATH = '', HOME = '', CI = '' } = process.env;
  const url = `ws://127.0.0.1:${port}/media`;
  const own = { PORT: String(port), MEDIA_INTERNAL_URL: `http://127.0.0.1:${port}`, MEDIA_PUBLIC_URL: url };
  const shared = { INTERNAL_SECRET: SECRET, REDIS_URL: services.redisUrl ?? '', MEDIA_DRAIN_MS: '10' };
  const workers = { MEDIA_WORKERS: '1', MEDIA_MIN_PORT: '44100', MEDIA_MAX_PORT: '44199' };
  const child = spawn(process.execPath, [ENTRY], {
    env: { PATH, HOME, CI, ...own, ...shared, ...workers },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const exitCode = once(child, 'close').then(([code]) => code);
  const lines = createInterface({ input: child.stdout });
  await new Promise<void>((resolve) =>
    lines.on('line', (line) => {
      if (JSON.parse(line).msg === 'ready') resolve();
    }),
  );
  return { child, url, exitCode };
}
