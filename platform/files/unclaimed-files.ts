import { Migration } from '@mikro-orm/migrations';
import type { Database, Em } from '../database.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { FILE_URL_TTL_MS, type FileStore } from './file-store.ts';

/** Keys of files that nothing refers to: not yet, or no more. The same table in every subgraph's database. */
export class UnclaimedFileTable extends Migration {
  override up(): void {
    this.addSql('create table unclaimed_file (key text primary key, since timestamptz not null)');
    this.addSql('create index unclaimed_file_since on unclaimed_file (since)');
  }

  override down(): void {
    this.addSql('drop table if exists unclaimed_file');
  }
}

/** Longer than any upload takes, and than an address of the file is good for. */
export const KEEP_UNCLAIMED_MS = FILE_URL_TTL_MS + 3_600_000;
const BATCH_FILES = 50;

/**
 * A store that notes each key before it stores the file, so that a process which dies midway leaves no file that nobody knows of. Whoever saves the key
 * claims it in the same transaction; what nobody has claimed is deleted a day later.
 */
export function notingUploads(files: FileStore, database: Database, now: () => Date): FileStore {
  return {
    ...files,
    async put(key, ...content) {
      await abandonFile(database.fork(), key, now());
      return files.put(key, ...content);
    },
  };
}

/** Something refers to the file from now on. */
export async function claimFile(em: Em, key: string): Promise<void> {
  await em.execute('delete from unclaimed_file where key = ?', [key], 'run');
}

/** Nothing refers to the file any more. Addresses of it that were given out stay good for a day. */
export async function abandonFile(em: Em, key: string, now: Date): Promise<void> {
  const sql = 'insert into unclaimed_file (key, since) values (?, ?) on conflict (key) do nothing';
  await em.execute(sql, [key, now], 'run');
}

/** Deletes some of what was not claimed in time. What cannot be deleted now waits another day, so that it keeps nothing else. Returns how many files went, and whether there may be more. */
export async function deleteUnclaimed(
  em: Em,
  { files, log, now }: { readonly files: FileStore; readonly log: Log; readonly now: Date },
): Promise<{ deleted: number; isFull: boolean }> {
  const before = new Date(now.getTime() - KEEP_UNCLAIMED_MS);
  const rows = await em.execute<{ key: string }[]>(
    `select key from unclaimed_file where since < ? order by since limit ${BATCH_FILES} for update skip locked`,
    [before],
  );
  const deleted: string[] = [];
  const failed: string[] = [];
  for (const { key } of rows)
    await files.delete(key).then(
      () => deleted.push(key),
      (error: unknown) => {
        failed.push(key);
        log.warn({ key, reason: messageOf(error) }, 'file not deleted');
      },
    );
  if (deleted.length > 0) await em.execute('delete from unclaimed_file where key in (?)', [deleted], 'run');
  if (failed.length > 0)
    await em.execute('update unclaimed_file set since = ? where key in (?)', [now, failed], 'run');
  return { deleted: deleted.length, isFull: rows.length === BATCH_FILES };
}
