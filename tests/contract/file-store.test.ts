import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { globSync } from 'node:fs';
import { mkdtemp, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { describe, it } from 'node:test';
import { CreateBucketCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { createFileStore } from '#platform/files/file-store.ts';
import { startS3 } from '../support/s3.ts';
import { describeFileStore } from './file-store.contract.ts';

const emptyFolder = () => mkdtemp(join(tmpdir(), 'veza-files-'));
const secret = 'a-secret-of-the-tests-that-is-long-enough';

// What the server of these tests accepts; the store reads them where the AWS tools read them.
Object.assign(process.env, { AWS_ACCESS_KEY_ID: 'S3RVER', AWS_SECRET_ACCESS_KEY: 'S3RVER' });

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
  const client = new S3Client({ region: 'us-east-1', endpoint: s3.url, forcePathStyle: true });
  await client.send(new CreateBucketCommand({ Bucket: 'files' }));
  return {
    store: await createFileStore({ kind: 's3', bucket: 'files', region: 'us-east-1', endpoint: s3.url }),
    async keys() {
      const { Contents = [] } = await client.send(new ListObjectsV2Command({ Bucket: 'files' }));
      return Contents.map(({ Key = '' }) => Key);
    },
    async close() {
      client.destroy();
      await s3.close();
    },
  };
});

describe('files in a bucket', () => {
  it('are served by S3 itself at a signed address, with the type they were put with, and to nobody else', async () => {
    const s3 = await startS3();
    const client = new S3Client({ region: 'us-east-1', endpoint: s3.url, forcePathStyle: true });
    try {
      await client.send(new CreateBucketCommand({ Bucket: 'files' }));
      const store = await createFileStore({
        kind: 's3',
        bucket: 'files',
        region: 'us-east-1',
        endpoint: s3.url,
      });
      const content = randomBytes(5_000);
      await store.put('a/b.png', Readable.from([content]), {
        contentType: 'image/png',
        maxBytes: 10_000,
        field: 'file',
      });
      const url = await store.urlOf('a/b.png', 60_000);
      const answer = await fetch(url);
      assert.equal(answer.status, 200);
      assert.equal(answer.headers.get('content-type'), 'image/png');
      assert.ok(Buffer.from(await answer.arrayBuffer()).equals(content));
      const forged = new URL(url);
      forged.pathname = forged.pathname.replace('b.png', 'c.png');
      assert.equal((await fetch(forged)).ok, false);
    } finally {
      client.destroy();
      await s3.close();
    }
  });

  it('cannot be put where no server answers, which is said and ends the source', async () => {
    const s3 = await startS3();
    await s3.close();
    const store = await createFileStore({
      kind: 's3',
      bucket: 'files',
      region: 'us-east-1',
      endpoint: s3.url,
    });
    const source = Readable.from([randomBytes(1_000), randomBytes(1_000)]);
    const put = store.put('a.png', source, { contentType: 'image/png', maxBytes: 10_000, field: 'file' });
    await assert.rejects(put, /ECONNREFUSED/);
    assert.equal(source.destroyed, true);
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
