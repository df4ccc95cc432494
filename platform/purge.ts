import type { Database, Em } from './database.ts';
import { WorkLoop } from './events/work-loop.ts';
import type { FileStore } from './files/file-store.ts';
import { deleteUnclaimed } from './files/unclaimed-files.ts';
import type { Log } from './log.ts';

/** Rows of a table that nobody needs any more. */
export interface PurgeRule {
  readonly table: string;
  /** How long they are kept once they are of no use: docs/retention.md. */
  readonly keepMs: number;
  /** SQL, true for a row `r` that may go; each `?` is the instant before which it was of use. An index should find such rows. */
  readonly where: string;
}

export interface PurgeOptions {
  readonly database: Database;
  /** In this order: rows that refer to others come before those. */
  readonly rules: readonly PurgeRule[];
  /** Where what nobody has claimed is deleted; without it no file is. */
  readonly files?: FileStore;
  readonly log: Log;
  readonly now: () => Date;
  /** Rows of one table that are deleted in one transaction, 1000 unless given. */
  readonly batchRows?: number;
}

export interface Purge extends Pick<WorkLoop, 'start' | 'stop'> {
  /** Deletes all that is due now. Resolves at once where another process is at it. */
  purgeDue(): Promise<void>;
}

const BATCH_ROWS = 1_000;
const PURGE_EVERY_MS = 3_600_000;
const PURGE_LOCK = 7_346_103;

/** Deletes what its rules say, now and every hour, a batch at a time, so that nobody waits long for a row. One process at a time does it for a database. */
export function createPurge(options: PurgeOptions): Purge {
  const { database, log } = options;
  const purged = new Map<string, number>();
  const tell = () => {
    if (purged.size > 0) log.info({ rows: Object.fromEntries(purged) }, 'old rows deleted');
    purged.clear();
  };
  const step = () =>
    database.background(async () => {
      const outcome = await purgeBatch(options, purged);
      if (outcome === 'idle') tell();
      return outcome;
    });
  const loop = new WorkLoop({ name: `${database.name} purge`, step, pollMs: PURGE_EVERY_MS, log });
  return {
    start: () => loop.start(),
    stop: () => loop.stop(),
    async purgeDue() {
      while ((await step()) === 'more');
    },
  };
}

async function purgeBatch(options: PurgeOptions, purged: Map<string, number>): Promise<'more' | 'idle'> {
  const { database, rules, now, batchRows = BATCH_ROWS } = options;
  const batches = await database.fork().transactional(async (em) => {
    const [lock] = await em.execute<{ mine: boolean }[]>('select pg_try_advisory_xact_lock(?) as mine', [
      PURGE_LOCK,
    ]);
    const done: Batch[] = [];
    if (!lock?.mine) return done;
    for (const rule of rules) {
      const rows = await deleteBatch(em, rule, now(), batchRows);
      done.push({ table: rule.table, rows, isFull: rows === batchRows });
    }
    return [...done, ...(await deleteFiles(em, options))];
  });
  for (const { table, rows } of batches) if (rows > 0) purged.set(table, (purged.get(table) ?? 0) + rows);
  return batches.some(({ isFull }) => isFull) ? 'more' : 'idle';
}

interface Batch {
  readonly table: string;
  readonly rows: number;
  /** There may be more. */
  readonly isFull: boolean;
}

async function deleteFiles(em: Em, { files, log, now }: PurgeOptions): Promise<Batch[]> {
  if (!files) return [];
  const { deleted, isFull } = await deleteUnclaimed(em, { files, log, now: now() });
  return [{ table: 'unclaimed_file', rows: deleted, isFull }];
}

/** A row that somebody has locked is left for the next time. */
async function deleteBatch(em: Em, rule: PurgeRule, now: Date, limit: number): Promise<number> {
  const { table, where, keepMs } = rule;
  const before = new Date(now.getTime() - keepMs);
  const instants = Array.from({ length: where.split('?').length - 1 }, () => before);
  const due = `select r.ctid from ${table} r where ${where} limit ? for update of r skip locked`;
  const { affectedRows } = await em.execute<{ affectedRows: number }>(
    `delete from ${table} where ctid = any(array(${due}))`,
    [...instants, limit],
    'run',
  );
  return affectedRows;
}
