import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { createFileStore, type FileStore, type PutOptions } from '#platform/files/file-store.ts';
import { startS3, type S3, type S3Request } from '../support/s3.ts';
import { describeFileStore } from './file-store.contract.ts';

const emptyFolder = () => mkdtemp(join(tmpdir(), 'veza-files-'));
const secret = 'a-secret-of-the-tests-that-is-long-enough';
const MIB = 1024 * 1024;

describeFileStore('local disk', async () => {
  const folder = await emptyFolder();
  return {
    store: await createFileStore({ kind: 'disk', folder, publicUrl: 'http://localhost:4000', secret }),
    keys: async () => globSync('**/*', { cwd: folder }),
    close: () => rm(folder, { recursive: true }),
  };
});

describeFileStore('S3', async () => {
  const s3 = await startS3();
  return { store: await s3.openStore(), keys: s3.keys, close: s3.close };
});

describe('files in a bucket', () => {
  let s3: S3;
  let store: FileStore;
  beforeEach(async () => {
    s3 = await startS3();
    store = await s3.openStore();
  });
  afterEach(() => s3.close());

  const options = { contentType: 'audio/ogg', maxBytes: 100 * MIB, field: 'file' };
  const put = (key: string, content: Buffer, more: Partial<PutOptions> = {}) =>
    store.put(key, Readable.from([content]), { ...options, ...more });
  const isPart = ({ target }: S3Request) => target.includes('partNumber');
  const contentOf = async (key: string) => buffer(await store.read(key));
  /** Whether that request was the first of its kind. */
  const firstOf = (isKind: (request: S3Request) => boolean) => {
    let seen = 0;
    return (request: S3Request) => isKind(request) && ++seen === 1;
  };

  it('are served by S3 itself at a signed address, whole or by range, with the type they were put with, and to nobody else', async () => {
    const content = randomBytes(5_000);
    await put('a/b.ogg', content);
    const url = await store.urlOf('a/b.ogg', 60_000);
    const answer = await fetch(url);
    assert.equal(answer.status, 200);
    assert.equal(answer.headers.get('content-type'), 'audio/ogg');
    assert.ok(Buffer.from(await answer.arrayBuffer()).equals(content));
    const part = await fetch(url, { headers: { range: 'bytes=1000-1999' } });
    assert.deepEqual([part.status, part.headers.get('content-range')], [206, 'bytes 1000-1999/5000']);
    assert.ok(Buffer.from(await part.arrayBuffer()).equals(content.subarray(1_000, 2_000)));
    const forged = new URL(url);
    forged.pathname = forged.pathname.replace('b.ogg', 'c.ogg');
    assert.equal((await fetch(forged)).ok, false);
  });

  it('cannot be put where no server answers, which is said and ends the source', async () => {
    const gone = await startS3();
    await gone.close();
    const source = Readable.from([randomBytes(1_000), randomBytes(1_000)]);
    await assert.rejects((await gone.openStore()).put('a.ogg', source, options), /ECONNREFUSED/);
    assert.equal(source.destroyed, true);
  });

  const isBeginning = ({ method, target }: S3Request) => method === 'POST' && target.includes('?uploads');
  for (const [trouble, isKind] of [
    ['SLOW_DOWN', isPart],
    ['CUT', isPart],
    ['UNANSWERED', isPart],
    ['UNANSWERED', isBeginning],
  ] as const)
    it(`are stored part by part, also where a request goes wrong by ${trouble} (${isKind.name})`, async () => {
      const isHit = firstOf(isKind);
      s3.trouble((request) => (isHit(request) ? trouble : null));
      const content = randomBytes(20 * MIB);
      await put('a.ogg', content);
      assert.ok((await contentOf('a.ogg')).equals(content));
      assert.deepEqual(await s3.unfinishedUploads(), []);
    });

  it('leave no parts behind where S3 refuses for good', async () => {
    s3.trouble((request) => (isPart(request) ? 'SLOW_DOWN' : null));
    await assert.rejects(put('a.ogg', randomBytes(20 * MIB)), { name: 'SlowDown' });
    assert.deepEqual([await s3.keys(), await s3.unfinishedUploads()], [[], []]);
  });

  for (const bytes of [1_000, 20 * MIB])
    it(`are given up at once where their time is over while S3 is silent, also those of ${bytes} bytes`, async () => {
      const isLast = ({ method, target }: S3Request) => method === 'PUT' && !target.includes('partNumber=1&');
      s3.trouble((request) => (isLast(request) ? 'SILENT' : null));
      const over = new AbortController();
      const stored = put('a.ogg', randomBytes(bytes), { signal: over.signal });
      await s3.requests.find(isLast);
      over.abort();
      await assert.rejects(stored, { name: 'AbortError' });
      assert.deepEqual([await s3.keys(), await s3.unfinishedUploads()], [[], []]);
    });

  it('are deleted with the parts that a process has left which was killed while it stored them', async () => {
    // Nobody could give the upload up.
    s3.trouble(({ method, target }) =>
      /partNumber/.test(target) || method === 'DELETE' ? 'SLOW_DOWN' : null,
    );
    for (const key of ['a.ogg', 'a.ogg.other'])
      await assert.rejects(put(key, randomBytes(20 * MIB)), { name: 'SlowDown' });
    s3.trouble(() => null);
    assert.deepEqual((await s3.unfinishedUploads()).sort(), ['a.ogg', 'a.ogg.other']);
    await store.delete('a.ogg');
    assert.deepEqual(await s3.unfinishedUploads(), ['a.ogg.other']);
  });
});

describe('files on disk', () => {
  it('cannot be put where the folder cannot be made, which is said and ends the source', async () => {
    const folder = await emptyFolder();
    const options = { contentType: 'image/png', maxBytes: 10_000_000, field: 'file' };
    const store = (path: string) =>
      createFileStore({ kind: 'disk', folder: path, publicUrl: 'http://localhost:4000', secret });
    try {
      await (await store(folder)).put('file.png', Readable.from([randomBytes(10)]), options);
      const source = Readable.from(
        (function* () {
          for (;;) yield randomBytes(60_000);
        })(),
      );
      const inFile = await store(join(folder, 'file.png'));
      await assert.rejects(inFile.put('x.png', source, options), /ENOTDIR|EEXIST|location/);
      assert.equal(source.destroyed, true);
      assert.equal((await stat(join(folder, 'file.png'))).size, 10);
    } finally {
      await rm(folder, { recursive: true });
    }
  });
});
