import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { findCommand } from '#platform/machine/debian-packages.mjs';
import { createIdentity } from '../bench/audio/webrtc/dtls.ts';
import { skipWithoutWorker, startMedia, type MediaKit } from './media-kit.ts';
import { Observed } from './observed.ts';
import { speechOverWebRtc } from './speech-over-webrtc.ts';

const SSRC = 5_151;
/** No keep-alive comes while a test runs. */
const NEVER_MS = 3_600_000;
const skip = skipWithoutWorker || (findCommand('openssl') === null && !process.env.CI ? 'no openssl' : false);

describe('Somebody whose audio fell silent without a word', { skip }, () => {
  let kit: MediaKit;
  before(async () => (kit = await startMedia({ limits: { connectionsMs: 50, heartbeatMs: NEVER_MS } })));
  after(() => kit.close());

  test('is asked whether they are there: who answers stays, who does not has their seat kept for a while', async () => {
    const { speaker, listener, mouth, ear } = await speechOverWebRtc(kit, createIdentity(), SSRC);
    const pings = new Observed<number>();
    listener.client.socket.on('ping', () => pings.add(pings.all.length));
    mouth.close();
    ear.close();
    // The connection stands, but nothing comes over it.
    speaker.client.socket.pause();
    const { payload } = await kit.events.find(({ name }) => name === 'media.participantDisconnected');
    const { serverId } = kit.media.status();
    const { participantId } = speaker;
    assert.deepEqual(payload, {
      liveRoomId: kit.liveRoomId,
      participantId,
      serverId,
      reason: 'CONNECTION_LOST',
    });
    // Asked again after the answer: they are looked at for as long as nothing comes.
    await pings.find((count) => count > 2);
    await listener.client.request('ping', {});
    const back = await kit.enter({ participantId });
    assert.ok(!listener.client.notifications.all.some(({ event }) => event === 'peerLeft'));
    await back.client.request('leave', {});
    await listener.client.notified('peerLeft', (gone) => gone.participantId === participantId);
  });
});
