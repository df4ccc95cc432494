import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { CodedError, Refusal } from '#platform/errors.ts';
import type { FileStore, PutOptions } from '#platform/files/file-store.ts';

export interface OpenStore {
  readonly store: FileStore;
  /** Keys of everything that is stored. */
  keys(): Promise<string[]>;
  close(): Promise<void>;
}

const OPTIONS: PutOptions = { contentType: 'audio/wav', maxBytes: 64 * 1024 * 1024, field: 'file' };

/** What every FileStore has to do, wherever it keeps its bytes. */
export function describeFileStore(name: string, open: () => Promise<OpenStore>): void {
  describe(`a file store on ${name}`, () => {
    let opened: OpenStore;
    let store: FileStore;
    before(async () => {
      opened = await open();
      ({ store } = opened);
    });
    after(() => opened.close());
    const contentOf = async (key: string) => buffer(await store.read(key));
    const isStored = async (key: string) => (await opened.keys()).includes(key);

    for (const bytes of [0, 1, 100_000, 8 * 1024 * 1024, 20 * 1024 * 1024 + 7]) {
      it(`returns the ${bytes} bytes that were put, with their length and hash`, async () => {
        const content = randomBytes(bytes);
        const key = `sizes/${bytes}.wav`;
        const stored = await store.put(key, inChunks(content), OPTIONS);
        assert.deepEqual(stored, {
          bytes,
          sha256: createHash('sha256').update(content).digest('hex'),
        });
        assert.ok((await contentOf(key)).equals(content));
      });
    }

    it('takes a file of exactly the allowed size, and refuses one byte more and keeps nothing of it', async () => {
      const limits = { ...OPTIONS, maxBytes: 100_000 };
      await store.put('limit/fits.wav', inChunks(randomBytes(100_000)), limits);
      const put = store.put('limit/over.wav', inChunks(randomBytes(100_001)), limits);
      await assert.rejects(put, (error) => {
        assert.ok(error instanceof Refusal);
        assert.deepEqual(error.errors[0].field, ['file']);
        assert.equal(error.errors[0]['rule'], 'FILE_TOO_LARGE');
        return true;
      });
      assert.equal(await isStored('limit/fits.wav'), true);
      assert.equal(await isStored('limit/over.wav'), false);
    });

    for (const bytes of [100_000, 20 * 1024 * 1024]) {
      it(`rejects with the source's error where it breaks off after ${bytes} bytes, and keeps nothing`, async () => {
        const key = `broken/${bytes}.wav`;
        const put = store.put(key, breakingOff(randomBytes(bytes)), OPTIONS);
        await assert.rejects(put, /the line went dead/);
        assert.equal(await isStored(key), false);
      });
    }

    it('ends a source that nothing can store, instead of waiting for ever', async () => {
      const source = Readable.from(endless());
      await assert.rejects(store.put(`unstorable/${'x'.repeat(5_000)}`, source, OPTIONS));
      assert.equal(source.destroyed, true);
    });

    it('forgets a deleted file, and does nothing where there is none', async () => {
      await store.put('gone.wav', inChunks(randomBytes(10)), OPTIONS);
      await store.delete('gone.wav');
      await store.delete('gone.wav');
      await assert.rejects(store.read('gone.wav'), isNotFound);
    });

    it('rejects reading what was never put with NOT_FOUND', async () => {
      await assert.rejects(store.read('nothing/here.wav'), isNotFound);
    });

    for (const key of [
      '../out.wav',
      'a/../../out.wav',
      '/etc/out.wav',
      'a//b',
      '',
      '.',
      'a/.',
      'a\\..\\b',
      'a\0b',
    ]) {
      it(`takes ${JSON.stringify(key)} for no key`, async () => {
        const source = Readable.from([randomBytes(10)]);
        await assert.rejects(store.put(key, source, OPTIONS), /not a key/);
        await assert.rejects(async () => store.read(key), /not a key/);
        await assert.rejects(async () => store.delete(key), /not a key/);
        await assert.rejects(async () => store.urlOf(key, 1_000), /not a key/);
      });
    }

    it('gives the same address when asked twice within the hour', async () => {
      const [first, second] = [await store.urlOf('same.wav', 60_000), await store.urlOf('same.wav', 60_000)];
      // The hour may have turned between the two.
      assert.ok(first === second || (await store.urlOf('same.wav', 60_000)) === second);
      assert.match(first, /same\.wav/);
    });
  });
}

const isNotFound = (error: unknown) => error instanceof CodedError && error.code === 'NOT_FOUND';

function inChunks(content: Buffer): Readable {
  return Readable.from(pieces(content));
}

function* pieces(content: Buffer): Generator<Buffer> {
  for (let start = 0; start < content.length; start += 65_000) yield content.subarray(start, start + 65_000);
}

function* endless(): Generator<Buffer> {
  for (;;) yield Buffer.alloc(65_536);
}

function breakingOff(content: Buffer): Readable {
  return Readable.from(
    (function* () {
      yield* pieces(content);
      throw new Error('the line went dead');
    })(),
  );
}
