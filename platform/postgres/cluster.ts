import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { messageOf } from '../errors.ts';
import type { PostgresBinaries } from './binaries.ts';
import { ensureOwner, type RunAs } from './run-as.ts';

/** A PostgreSQL data folder that is whole, of the right version, and owned by whoever runs the server. */
export interface Cluster {
  readonly path: string;
  /** Of the superuser `postgres`. */
  readonly password: string;
}

const DRAFT = 'data.draft-';

/** Opens the cluster below `home`, making it first where there is none. Throws when it is of another major version. */
export async function openCluster(home: string, binaries: PostgresBinaries, runAs: RunAs): Promise<Cluster> {
  const path = join(home, 'data');
  removeDrafts(home);
  if (!existsSync(path)) await createCluster(home, path, binaries, runAs);
  ensureOwner(path, runAs);
  requireVersion(path, binaries.majorVersion);
  return { path, password: readPassword(home) };
}

/**
 * initdb works in a draft that gets its final name only when it is whole, so a cluster is either complete or absent
 * however the process ended. The password is written before it, for the same reason.
 */
async function createCluster(
  home: string,
  path: string,
  binaries: PostgresBinaries,
  runAs: RunAs,
): Promise<void> {
  const draft = join(home, `${DRAFT}${randomBytes(6).toString('hex')}`);
  mkdirSync(draft, { mode: 0o700 });
  chownSync(draft, runAs.owner.uid, runAs.owner.gid);
  const passwordFile = writePassword(home, runAs);
  const [command, args] = runAs.command(binaries.initdb, [
    `--pgdata=${draft}`,
    '--username=postgres',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    '--auth=scram-sha-256',
    `--pwfile=${passwordFile}`,
  ]);
  try {
    await promisify(execFile)(command, args, { ...runAs.options, cwd: draft });
  } catch (error) {
    throw new Error(`The embedded PostgreSQL could not be initialised in ${home}: ${messageOf(error)}`, {
      cause: error,
    });
  }
  renameSync(draft, path);
  syncFolder(home);
}

function writePassword(home: string, runAs: RunAs): string {
  const file = join(home, 'password');
  writeFileSync(file, randomBytes(24).toString('hex'), { mode: 0o600 });
  chmodSync(file, 0o600);
  chownSync(file, runAs.owner.uid, runAs.owner.gid);
  syncFile(file);
  return file;
}

function readPassword(home: string): string {
  const file = join(home, 'password');
  const password = existsSync(file) ? readFileSync(file, 'utf8').trim() : '';
  if (password !== '') return password;
  throw new Error(
    `The password of the embedded PostgreSQL is gone: put ${file} back, or remove ${home} and lose its data.`,
  );
}

function requireVersion(path: string, majorVersion: string): void {
  const file = join(path, 'PG_VERSION');
  const found = existsSync(file) ? readFileSync(file, 'utf8').trim() : 'no';
  if (found === majorVersion) return;
  throw new Error(
    `${path} holds data of PostgreSQL version ${found}, and the embedded server is version ${majorVersion}: ` +
      'move the data over with pg_dump from the older server, or remove the folder and lose its data.',
  );
}

/** Drafts of initdb runs that were killed. One that is still being written to (its initdb outlived us) waits for the next start. */
function removeDrafts(home: string): void {
  for (const name of readdirSync(home)) {
    if (!name.startsWith(DRAFT)) continue;
    try {
      rmSync(join(home, name), { recursive: true, force: true });
    } catch {
      continue;
    }
  }
}

function syncFile(path: string): void {
  const file = openSync(path, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}

/** A rename is durable only once its folder is. */
const syncFolder = syncFile;
