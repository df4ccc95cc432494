import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { after, test } from 'node:test';
import { gzipSync } from 'node:zlib';
import { createWorker } from 'mediasoup';
import { cachedWorkerPath, findWorker } from '../../media-server/worker/find-worker.mjs';
import { obtainWorker } from '../../media-server/worker/obtain-worker.mjs';

const root = mkdtempSync(join(tmpdir(), 'veza-worker-'));
after(() => rmSync(root, { recursive: true, force: true }));

const log = () => {};

/** Answers a start outside mediasoup as the real worker does. */
const RUNS = '#!/bin/sh\nexit 41\n';

function executable(path: string, script: string): string {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, script);
  chmodSync(path, 0o755);
  return path;
}

function tarOf(name: string, content: string): Buffer {
  const header = Buffer.alloc(512);
  header.write(name, 0);
  header.write(content.length.toString(8).padStart(11, '0'), 124);
  const body = Buffer.alloc(Math.ceil(content.length / 512) * 512);
  body.write(content);
  return Buffer.concat([header, body, Buffer.alloc(1024)]);
}

test('a custom worker comes first, and one that does not run is refused with what to do', () => {
  const good = executable(join(root, 'good'), RUNS);
  const bad = executable(join(root, 'bad'), '#!/bin/sh\nexit 0\n');
  const env = { VEZA_CACHE_DIR: join(root, 'empty') };
  assert.deepEqual(findWorker({ ...env, MEDIASOUP_WORKER_BIN: good }), { path: good });
  const refused = findWorker({ ...env, MEDIASOUP_WORKER_BIN: bad });
  assert.ok(refused.path === null);
  assert.match(refused.reason, /does not run on this machine/);
  assert.match(refused.remedy, /MEDIASOUP_WORKER_BIN/);
});

test('a cached worker is found, and its absence is explained', () => {
  const env = { VEZA_CACHE_DIR: join(root, 'cache') };
  const missing = findWorker(env);
  assert.ok(missing.path === null);
  assert.match(missing.remedy, /setup\.mjs/);
  const cached = executable(cachedWorkerPath(env), RUNS);
  assert.deepEqual(findWorker(env), { path: cached });
});

test('the official worker is downloaded once however many ask, checked, and put into the cache', async () => {
  const requested: string[] = [];
  const server = createServer((request, response) => {
    requested.push(request.url ?? '');
    response.end(gzipSync(tarOf('mediasoup-worker', RUNS)));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  assert.ok(address && typeof address === 'object');
  const env = {
    VEZA_CACHE_DIR: join(root, 'downloaded'),
    MEDIASOUP_WORKER_PREBUILT_DOWNLOAD_BASE_URL: `http://127.0.0.1:${address.port}`,
  };
  try {
    const found = await Promise.all([obtainWorker({ log, env }), obtainWorker({ log, env })]);
    const path = cachedWorkerPath(env);
    assert.deepEqual(found, [{ path }, { path }]);
    assert.equal(requested.length, 1);
    assert.match(requested[0] ?? '', /^\/[\d.]+\/mediasoup-worker-[\d.]+-linux-\w+-kernel\d+\.tgz$/);
  } finally {
    server.close();
  }
});

const installed = findWorker();
const skip = installed.path === null && !process.env.CI ? `no mediasoup-worker: ${installed.reason}` : false;

test('the installed worker serves a router and a WebRTC transport', { skip }, async () => {
  assert.ok(installed.path, 'CI needs a mediasoup-worker');
  const worker = await createWorker({ workerBin: installed.path, logLevel: 'error' });
  const died = once(worker, 'subprocessclose');
  const router = await worker.createRouter({
    mediaCodecs: [
      { kind: 'audio', mimeType: 'audio/opus', clockRate: 48_000, channels: 2, preferredPayloadType: 100 },
    ],
  });
  const transport = await router.createWebRtcTransport({
    listenInfos: [{ protocol: 'udp', ip: '127.0.0.1' }],
  });
  assert.ok(transport.iceCandidates.length > 0);
  assert.ok(transport.dtlsParameters.fingerprints.some(({ algorithm }) => algorithm === 'sha-256'));
  worker.close();
  await died;
});
