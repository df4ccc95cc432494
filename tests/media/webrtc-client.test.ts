import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createIdentity, type Identity } from '../bench/audio/webrtc/dtls.ts';
import { findCommand } from '#platform/machine/debian-packages.mjs';
import { skipWithoutWorker, startMedia, type MediaKit } from './media-kit.ts';
import { speechOverWebRtc } from './speech-over-webrtc.ts';

const SSRC = 7_171;
const SPEAK_MS = 20;
const skip = skipWithoutWorker || (findCommand('openssl') === null && !process.env.CI ? 'no openssl' : false);

describe('The WebRTC client of the benchmarks', { skip }, () => {
  let kit: MediaKit;
  let identity: Identity;
  before(async () => {
    kit = await startMedia();
    identity = createIdentity();
  });
  after(() => kit.close());

  test('sends and receives what is authentic, and goes on from other addresses after a restart of ICE', async () => {
    const speech = await speechOverWebRtc(kit, identity, SSRC);
    const { speaker, listener, mouth, ear, heard } = speech;
    let said = 0;
    const talk = setInterval(() => {
      speech.say();
      said += 1;
    }, SPEAK_MS);
    await heard.find(() => true);
    const ports = () => [...mouth.ports, ...ear.ports];
    const former = ports();
    for (const [transport, { client }] of [
      [mouth, speaker],
      [ear, listener],
    ] as const) {
      const { iceParameters } = await client.request('restartIce', { transportId: transport.transportId });
      await transport.restart(iceParameters);
    }
    const since = said;
    await heard.find((count) => count > since + 10);
    clearInterval(talk);
    const first = heard.all[0] ?? 0;
    const inOrder = Array.from(heard.all, (_, index) => first + index);
    assert.deepEqual(
      heard.all.toSorted((a, b) => a - b),
      inOrder,
      'nothing is lost on the way to another address',
    );
    assert.equal(ports().length, 4, 'former addresses are read until nothing more can come');
    assert.ok(!former.includes(mouth.ports[0] ?? 0));
    speech.close();
  });
});
