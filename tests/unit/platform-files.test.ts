import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import { fileRoute } from '#platform/files/file-route.ts';
import { createFileStore, type FileStore } from '#platform/files/file-store.ts';
import { signFileUrl, verifyFileUrl } from '#platform/files/file-url.ts';
import { listen, type HttpListener } from '#platform/http.ts';
import { openRaw, readUntil } from '../support/raw-http.ts';
import { recordingLog } from '../support/recording-log.ts';

const secret = 'a-secret-of-the-tests-that-is-long-enough';
const CONTENT = randomBytes(1_000);
const HOUR_MS = 3_600_000;
const logged = recordingLog();
let folder: string;
let listener: HttpListener;
let publicUrl: string;
let store: FileStore;

async function put(key: string, content: Buffer): Promise<string> {
  const options = { contentType: 'audio/wav', maxBytes: 100_000_000, field: 'file' };
  await store.put(key, Readable.from([content]), options);
  return store.urlOf(key, HOUR_MS);
}

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'veza-files-'));
  const inside = join(folder, 'inside');
  await mkdir(inside);
  await writeFile(join(folder, 'outside.txt'), 'not for you');
  const route = fileRoute({ folder: inside, secret });
  listener = await listen({ host: '127.0.0.1', port: 0, routes: [route], log: logged.log });
  publicUrl = `http://127.0.0.1:${listener.port}`;
  store = await createFileStore({ kind: 'disk', folder: inside, publicUrl, secret });
});
after(async () => {
  await listener.close();
  await rm(folder, { recursive: true });
});

describe('the address of a file', () => {
  it('serves the file whole, with its type, and lets browsers guess no other', async () => {
    const types = { wav: 'audio/wav', png: 'image/png', html: 'application/octet-stream' };
    for (const [extension, type] of Object.entries(types)) {
      const response = await fetch(await put(`whole/file.${extension}`, CONTENT));
      assert.equal(response.status, 200);
      assert.equal(response.headers.get('content-type'), type);
      assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
      assert.equal(response.headers.get('accept-ranges'), 'bytes');
      assert.ok(Buffer.from(await response.arrayBuffer()).equals(CONTENT));
    }
  });

  it('is worth nothing once any part of it was changed', async () => {
    const url = await put('forged/a.wav', CONTENT);
    await put('forged/b.wav', CONTENT);
    const changes: ((url: URL) => void)[] = [
      (url) => (url.pathname = '/files/forged/b.wav'),
      (url) => url.searchParams.set('expires', String(Number(url.searchParams.get('expires')) + 1)),
      (url) => url.searchParams.set('expires', 'Infinity'),
      (url) => url.searchParams.set('signature', 'x'),
      (url) => url.searchParams.delete('signature'),
      (url) => url.searchParams.delete('expires'),
      (url) => (url.pathname = '/files/%ff'),
    ];
    for (const change of changes) {
      const forged = new URL(url);
      change(forged);
      assert.equal((await fetch(forged)).status, 403, forged.href);
    }
  });

  it('lives at least as long as was asked, and not much longer', () => {
    const nowMs = 1_800_000_000_000;
    const url = new URL(signFileUrl(publicUrl, 'a.wav', HOUR_MS, secret, nowMs));
    assert.equal(verifyFileUrl(url, secret, nowMs + HOUR_MS - 1), 'a.wav');
    assert.equal(verifyFileUrl(url, secret, nowMs + 2 * HOUR_MS), null);
  });

  it('never leads out of the folder, not even where it is signed', async () => {
    const signed = (key: string) => new URL(signFileUrl(publicUrl, key, HOUR_MS, secret)).search;
    const keys = ['../outside.txt', 'x/../../outside.txt', '', '.', '/etc/passwd'];
    for (const key of keys) {
      for (const path of [key, key.replaceAll('.', '%2e').replaceAll('/', '%2f')]) {
        const socket = await openRaw(listener.port);
        socket.write(`GET /files/${path}${signed(key)} HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n`);
        assert.match(await readUntil(socket, '\r\n\r\n'), /^HTTP\/1\.1 40[034] /, path);
        socket.destroy();
      }
    }
  });

  it('answers 404 after the file was deleted', async () => {
    const url = await put('gone.wav', CONTENT);
    await store.delete('gone.wav');
    assert.equal((await fetch(url)).status, 404);
  });

  it('takes no other method than GET and HEAD', async () => {
    const url = await put('methods.wav', CONTENT);
    assert.equal((await fetch(url, { method: 'DELETE' })).status, 405);
    const head = await fetch(url, { method: 'HEAD', headers: { range: 'bytes=0-9' } });
    assert.deepEqual([head.status, head.headers.get('content-length')], [200, '1000']);
  });
});

describe('a range of a file', () => {
  const ask = async (range: string, headers = {}, key = 'range.wav') =>
    fetch(await store.urlOf(key, HOUR_MS), { headers: { range, ...headers } });
  before(async () => {
    await put('range.wav', CONTENT);
    await put('empty.wav', Buffer.alloc(0));
  });

  it('is served as asked: the first bytes, the last, some in between, up to the end', async () => {
    const ranges: [string, number, number][] = [
      ['bytes=0-0', 0, 0],
      ['bytes=0-99', 0, 99],
      ['bytes=500-599', 500, 599],
      ['bytes=990-', 990, 999],
      ['bytes=990-5000', 990, 999],
      ['bytes=-10', 990, 999],
      ['bytes=-5000', 0, 999],
      [`bytes=0-${'9'.repeat(400)}`, 0, 999],
    ];
    for (const [range, start, end] of ranges) {
      const response = await ask(range);
      assert.equal(response.status, 206, range);
      assert.equal(response.headers.get('content-range'), `bytes ${start}-${end}/1000`);
      assert.ok(Buffer.from(await response.arrayBuffer()).equals(CONTENT.subarray(start, end + 1)));
    }
  });

  it('that lies behind the end is answered with 416 and the size', async () => {
    for (const range of ['bytes=1000-', 'bytes=1000-1001', 'bytes=-0', `bytes=${'9'.repeat(400)}-`]) {
      const response = await ask(range);
      assert.deepEqual(
        [response.status, response.headers.get('content-range')],
        [416, 'bytes */1000'],
        range,
      );
    }
    assert.equal((await ask('bytes=0-', {}, 'empty.wav')).status, 416);
  });

  it('that is malformed, of several parts, or conditional is ignored', async () => {
    const ranges = [
      'bytes=',
      'bytes=-',
      'bytes=a-b',
      'bytes=9-5',
      'items=0-5',
      'bytes=0-1,3-4',
      'bytes=0x1-5',
    ];
    for (const range of ranges) {
      const response = await ask(range);
      assert.deepEqual([response.status, (await response.arrayBuffer()).byteLength], [200, 1_000], range);
    }
    assert.equal((await ask('bytes=0-5', { 'if-range': '"tag"' })).status, 200);
  });

  it('serves an empty file', async () => {
    const response = await fetch(await store.urlOf('empty.wav', HOUR_MS));
    assert.deepEqual([response.status, (await response.arrayBuffer()).byteLength], [200, 0]);
  });
});

describe('a client that goes away midway', () => {
  it('costs neither an error nor the connection of others', async () => {
    const url = new URL(await put('large.wav', randomBytes(20_000_000)));
    const errors = logged.count('error');
    const connection = once(listener.server, 'connection');
    const socket = await openRaw(
      listener.port,
      `GET ${url.pathname}${url.search} HTTP/1.1\r\nhost: x\r\n\r\n`,
    );
    const [serverSide] = await connection;
    await readUntil(socket, '\r\n\r\n');
    // Not `once` of node:events: it would reject at the reset itself.
    const closed = new Promise((resolve) => serverSide.once('close', resolve));
    socket.resetAndDestroy();
    await closed;
    assert.equal((await fetch(await store.urlOf('range.wav', HOUR_MS))).status, 200);
    assert.equal(logged.count('error'), errors);
  });
});
