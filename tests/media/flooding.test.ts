import assert from 'node:assert/strict';
import { setImmediate as turn } from 'node:timers/promises';
import { after, before, describe, test } from 'node:test';
import { findCommand } from '#platform/machine/debian-packages.mjs';
import { CLOSE_CODES } from '#schema/signalling.ts';
import { createIdentity } from '../bench/audio/webrtc/dtls.ts';
import { skipWithoutWorker, startMedia, type MediaKit } from './media-kit.ts';
import { speechOverWebRtc } from './speech-over-webrtc.ts';

const SSRC = 6_161;
/** Before others have their turn. */
const PACKETS = 50;
const skip = skipWithoutWorker || (findCommand('openssl') === null && !process.env.CI ? 'no openssl' : false);

describe('A speaker', { skip }, () => {
  let kit: MediaKit;
  before(async () => (kit = await startMedia({ limits: { connectionsMs: 50 } })));
  after(() => kit.close());

  test('who sends more than audio can be is put out, and what they send reaches nobody any more', async () => {
    const { speaker, listener, heard, say, close } = await speechOverWebRtc(kit, createIdentity(), SSRC);
    const speaking = setInterval(say, 20);
    await heard.find(() => true);
    clearInterval(speaking);
    const { socket, closed } = speaker.client;
    while (socket.readyState === socket.OPEN) {
      for (let count = 0; count < PACKETS; count++) say();
      await turn();
    }
    assert.equal((await closed).code, CLOSE_CODES.RATE_LIMITED);
    await listener.client.notified('producerClosed');
    close();
  });
});
