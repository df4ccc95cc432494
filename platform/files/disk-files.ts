import { createReadStream } from 'node:fs';
import { mkdir, open, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Readable } from 'node:stream';
import { CodedError } from '../errors.ts';
import type { FileStorage } from './file-storage.ts';
import { signFileUrl } from './file-url.ts';

export interface DiskOptions {
  readonly folder: string;
  readonly publicUrl: string;
  readonly secret: string;
}

/** Files in a folder, served by `fileRoute` at signed addresses. */
export function createDiskFiles({ folder, publicUrl, secret }: DiskOptions): FileStorage {
  return {
    write: (key, content) => writeNew(join(folder, key), content),
    async read(key) {
      const path = join(folder, key);
      const found = await stat(path).catch(() => null);
      if (!found?.isFile()) throw new CodedError('NOT_FOUND', 'The file does not exist.');
      return createReadStream(path);
    },
    delete: (key) => rm(join(folder, key), { force: true }),
    urlOf: async (key, ttlMs) => signFileUrl(publicUrl, key, ttlMs, secret),
  };
}

async function writeNew(path: string, content: Readable): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  const file = await open(path, 'wx');
  try {
    for await (const chunk of content as AsyncIterable<Buffer>) await file.writeFile(chunk);
    // What refers to the file will be committed to a disk, so the file must be there first.
    await file.sync();
    await file.close();
  } catch (error) {
    // Only once it is closed: a write stream that is still opening would make the file after it was removed.
    await file.close().catch(() => undefined);
    await rm(path, { force: true });
    throw error;
  }
}
