import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { brotliCompressSync, deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { codeOf, post, startFakeGateway, type FakeGateway } from './fake-gateway.ts';

const MAX_BODY_BYTES = 10_000;
const TEXT = JSON.stringify({ query: '{ hello }' });

describe('compressed requests', () => {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway({ requestLimits: { maxBodyBytes: MAX_BODY_BYTES } });
  });
  after(() => gateway.close());
  const send = (body: Uint8Array, coding: string) => post(gateway, body, { 'content-encoding': coding });

  for (const [coding, compressed] of [
    ['gzip', gzipSync(TEXT)],
    ['X-GZIP', gzipSync(TEXT)],
    ['br', brotliCompressSync(TEXT)],
    ['deflate', deflateSync(TEXT)],
    ['zstd', zstdCompressSync(TEXT)],
    ['identity', Buffer.from(TEXT)],
  ] as const)
    test(`are read in ${coding}`, async () => {
      assert.deepEqual((await send(compressed, coding)).body, { data: { hello: 'Hello, world' } });
    });

  test('count with what they hold, so that little of them cannot become much', async () => {
    const bomb = gzipSync(JSON.stringify({ query: '{ hello }', junk: ' '.repeat(MAX_BODY_BYTES) }));
    assert.ok(bomb.length < 200);
    const answer = await send(bomb, 'gzip');
    assert.deepEqual([answer.status, codeOf(answer)], [413, 'PAYLOAD_TOO_LARGE']);
  });

  test('are refused where they are not of their coding, or not whole', async () => {
    for (const broken of [Buffer.from(TEXT), gzipSync(TEXT).subarray(0, 20)]) {
      const answer = await send(broken, 'gzip');
      assert.deepEqual([answer.status, codeOf(answer)], [400, 'BAD_REQUEST']);
    }
  });

  test('are refused in other codings, by an answer that names the known ones', async () => {
    for (const coding of ['compress', 'gzip, br', 'constructor']) {
      const answer = await send(gzipSync(TEXT), coding);
      assert.deepEqual([answer.status, codeOf(answer)], [415, 'UNSUPPORTED_MEDIA_TYPE'], coding);
      assert.equal(answer.headers.get('accept-encoding'), 'br, gzip, deflate, zstd');
    }
    const files = await post(gateway, gzipSync(TEXT), {
      'content-type': 'multipart/form-data; boundary=x',
      'content-encoding': 'gzip',
      'apollo-require-preflight': 'true',
    });
    assert.deepEqual([files.status, codeOf(files)], [415, 'UNSUPPORTED_MEDIA_TYPE']);
    assert.equal(files.headers.get('accept-encoding'), 'identity');
  });
});
