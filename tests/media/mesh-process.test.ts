import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { redisLiveBus } from '#platform/events/live-bus-redis.ts';
import { newId } from '#platform/ids.ts';
import { signMediaGrant, type MediaGrantClaims } from '#platform/media-grant.ts';
import { MEDIA_GONE_TOPIC, MEDIA_HEARTBEAT_TOPIC, mediaGone, mediaHeartbeat } from '#schema/media-bus.ts';
import { CLOSE_CODES, isWorthReconnecting } from '#schema/signalling.ts';
import { silentLog } from '../support/events.ts';
import { services, skipWithout } from '../support/services.ts';
import { grantFor, SECRET, skipWithoutWorker } from './media-kit.ts';
import { startMediaServerProcess, type MediaServerProcess } from './media-server-process.ts';
import { SignallingClient } from './signalling-client.ts';

describe('Two media servers over Redis', { skip: skipWithoutWorker || skipWithout('redisUrl') }, () => {
  const clients: SignallingClient[] = [];
  const liveRoomId = newId('LiveRoom');
  let one: MediaServerProcess;
  let two: MediaServerProcess;

  before(async () => {
    one = await startMediaServerProcess();
    two = await startMediaServerProcess();
  });
  after(async () => {
    for (const client of clients) await client.close();
    for (const { child } of [one, two]) child.kill('SIGKILL');
  });

  const enter = async ({ url }: MediaServerProcess, claims: Partial<MediaGrantClaims> = {}) => {
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

    one = await startMediaServerProcess();
    two.child.kill('SIGKILL');
    for (const { client } of [ben, moved]) assert.ok(isWorthReconnecting((await client.closed).code));
    const back = await enter(one, { participantId, expiresAtMs: grant.expiresAtMs + 2 });
    await back.client.request('ping', {});
  });

  test('say of one that is killed that it is gone, though they share no room with it', async () => {
    const bus = await redisLiveBus({ url: services.redisUrl ?? '', log: silentLog });
    try {
      const heartbeats = await bus.subscribe(MEDIA_HEARTBEAT_TOPIC);
      const gone = await bus.subscribe(MEDIA_GONE_TOPIC);
      const killed = await startMediaServerProcess();
      const idOf = async () => {
        for await (const message of heartbeats) {
          const { serverId, address } = mediaHeartbeat.parse(message);
          if (address?.publicUrl === killed.url) return serverId;
        }
        return null;
      };
      const serverId = await idOf();
      killed.child.kill('SIGKILL');
      for await (const message of gone) if (mediaGone.parse(message).serverId === serverId) break;
    } finally {
      await bus.close();
    }
  });
});
