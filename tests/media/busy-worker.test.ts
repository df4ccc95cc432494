import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { after, before, describe, test } from 'node:test';
import { createIdentity } from '../bench/audio/webrtc/dtls.ts';
import { findCommand } from '#platform/machine/debian-packages.mjs';
import { skipWithoutWorker, startMedia, type MediaKit } from './media-kit.ts';
import { speechOverWebRtc } from './speech-over-webrtc.ts';

const SSRC = 8_181;
/** 20 speakers for a second. */
const PACKETS = 1_000;
/** What the kernel counts for each in a socket's buffer. */
const PACKET_BYTES = 1_024;
const largest = Number(readFileSync('/proc/sys/net/core/rmem_max', 'utf8'));

function reasonToSkip(): string | false {
  if (skipWithoutWorker) return skipWithoutWorker;
  if (findCommand('openssl') === null && !process.env.CI) return 'no openssl';
  return (
    largest < PACKETS * PACKET_BYTES &&
    `the system gives sockets ${largest} bytes at most (net.core.rmem_max)`
  );
}

describe('A media worker', { skip: reasonToSkip() }, () => {
  let kit: MediaKit;
  before(async () => {
    kit = await startMedia();
  });
  after(() => kit.close());

  test('loses nothing of what arrives while it has no turn', async () => {
    const { heard, say, close } = await speechOverWebRtc(kit, createIdentity(), SSRC);
    const [worker] = kit.media.status().workers;
    assert.ok(worker);
    process.kill(worker.pid, 'SIGSTOP');
    try {
      for (let said = 0; said < PACKETS; said += 1) say();
      // UDP leaves this process a moment after `send`: the last one is told once it has.
      await new Promise((resolve) => setImmediate(resolve));
    } finally {
      process.kill(worker.pid, 'SIGCONT');
    }
    const last = heard.find((count) => count >= PACKETS);
    // However much was lost before it, something that is said afterwards is heard.
    const talk = setInterval(say, 20);
    await last.finally(() => clearInterval(talk));
    const missing = Array.from({ length: PACKETS }, (_, count) => count).filter(
      (count) => !heard.all.includes(count),
    );
    close();
    assert.equal(missing.length, 0, `${missing.length} of ${PACKETS} packets are lost`);
  });
});
