import { randomUUID } from 'node:crypto';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tryLock } from '#platform/machine/file-lock.mjs';

/** Where the broadcasts of all media servers of this machine have their folders. */
export const BROADCASTS_FOLDER: string = join(tmpdir(), 'veza-broadcasts');

/** Where the segments of one broadcast are kept while they can be listened to. */
export interface BroadcastFolder {
  readonly path: string;
  remove(): Promise<void>;
}

/** A new folder below `root`, which is this process's own for as long as it lives. */
export async function createBroadcastFolder(root: string): Promise<BroadcastFolder> {
  const path = join(root, randomUUID());
  await mkdir(path, { recursive: true });
  if (!tryLock(lockOf(path)).lock) throw new Error(`${path} is in use.`);
  return { path, remove: () => remove(path) };
}

/** Deletes what servers that were killed have left below `root`. Those of servers that live are left alone, other files as well. */
export async function sweepBroadcastFolders(root: string): Promise<void> {
  await mkdir(root, { recursive: true });
  const entries = await readdir(root, { withFileTypes: true });
  const abandoned = entries.filter(
    (entry) => entry.isDirectory() && tryLock(lockOf(join(root, entry.name))).lock,
  );
  await Promise.all(abandoned.map(({ name }) => remove(join(root, name))));
}

const lockOf = (path: string) => join(path, 'lock');
const remove = (path: string) => rm(path, { recursive: true, force: true });
