import { createHash } from 'node:crypto';
import { PassThrough, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { invalid, messageOf, Refusal } from '../errors.ts';
import { createDiskFiles, type DiskOptions } from './disk-files.ts';
import type { FileStorage } from './file-storage.ts';
import type { S3Options } from './s3-files.ts';

export interface StoredFile {
  readonly bytes: number;
  /** SHA-256 in hex. */
  readonly sha256: string;
}

export interface PutOptions {
  readonly contentType: string;
  readonly maxBytes: number;
  /** Argument to blame where the file is too large, for example `file`. */
  readonly field: string;
  /** Gives it up: it then rejects with AbortError, and nothing is stored. */
  readonly signal?: AbortSignal;
}

/** Files by key, on local disk or S3. A key is written once and never overwritten: use a fresh id in it. */
export interface FileStore {
  /**
   * Stores a stream whole or not at all. Refuses with FILE_TOO_LARGE past `maxBytes`; rejects where the stream breaks off. Nothing
   * refers to a key before the caller has saved it, so a process that dies midway leaves at most a file nobody knows.
   */
  put(key: string, content: Readable, options: PutOptions): Promise<StoredFile>;
  /** Rejects with NOT_FOUND where there is none. The caller reads the stream to its end or destroys it. */
  read(key: string): Promise<Readable>;
  /** Does nothing where there is none. What was left of a `put` whose process was killed goes, too. `signal` gives it up, with AbortError. */
  delete(key: string, signal?: AbortSignal): Promise<void>;
  /** Address that serves the file for at least `ttlMs`. It changes at most once an hour, so that browsers can cache what it serves. */
  urlOf(key: string, ttlMs: number): Promise<string>;
}

export type FileStoreOptions =
  ({ readonly kind: 'disk' } & DiskOptions) | ({ readonly kind: 's3' } & S3Options);

export const FILE_URL_TTL_MS = 24 * 3_600_000;

export async function createFileStore(options: FileStoreOptions): Promise<FileStore> {
  // Loaded on demand: the S3 client takes longer to load than all else at start.
  const files =
    options.kind === 's3' ? (await import('./s3-files.ts')).createS3Files(options) : createDiskFiles(options);
  return {
    put: async (key, content, put) => putWhole(files, requireKey(key), content, put),
    read: async (key) => files.read(requireKey(key)),
    delete: async (key, signal) => files.delete(requireKey(key), signal),
    urlOf: async (key, ttlMs) => files.urlOf(requireKey(key), ttlMs),
  };
}

const KEY = /^[A-Za-z0-9_-][\w.-]*(?:\/[A-Za-z0-9_-][\w.-]*)*$/;

/** Keys are made by services, never by callers; one that could leave the folder is a mistake in our own code. */
function requireKey(key: string): string {
  if (!KEY.test(key)) throw new Error(`${JSON.stringify(key)} is not a key of a file.`);
  return key;
}

async function putWhole(
  files: FileStorage,
  key: string,
  content: Readable,
  { contentType, maxBytes, field, signal }: PutOptions,
): Promise<StoredFile> {
  const hash = createHash('sha256');
  let bytes = 0;
  const measured = new PassThrough();
  const measure = async function* (chunks: AsyncIterable<Buffer>) {
    for await (const chunk of chunks) {
      bytes += chunk.length;
      if (bytes > maxBytes) throw tooLarge(field, maxBytes);
      hash.update(chunk);
      yield chunk;
    }
  };
  // A storage that fails must end the source too, which would wait for a reader for ever.
  const stored = files.write(key, measured, { contentType, signal }).catch((error: unknown) => {
    measured.destroy(error instanceof Error ? error : new Error(messageOf(error)));
    throw error;
  });
  const outcomes = await Promise.allSettled([pipeline(content, measure, measured, { signal }), stored]);
  const failed = outcomes.find((outcome) => outcome.status === 'rejected');
  if (failed) throw failed.reason;
  return { bytes, sha256: hash.digest('hex') };
}

const tooLarge = (field: string, maxBytes: number) =>
  new Refusal(invalid(field, 'FILE_TOO_LARGE', `The file is larger than ${maxBytes} bytes.`));
