import { spawnSync, type SpawnOptions } from 'node:child_process';
import { chownSync, lstatSync, readdirSync } from 'node:fs';
import { join } from 'node:path';

const NOBODY = { uid: 65_534, gid: 65_534 };

/** How a PostgreSQL program is started, since it refuses to run as root. */
export interface RunAs {
  readonly mode: 'self' | 'nobody' | 'user namespace';
  /** Identity that has to own the data folder, as this process sees it. */
  readonly owner: { readonly uid: number; readonly gid: number };
  command(program: string, args: readonly string[]): readonly [string, string[]];
  readonly options: Pick<SpawnOptions, 'uid' | 'gid'>;
}

type Mode = RunAs['mode'];

/**
 * Not root: as this user. Root: as `nobody` where that user can reach the data folder and the program (not below a
 * closed home such as /root); else inside a user namespace, in which root looks like `nobody`.
 * Throws when neither is possible. `mode` skips the choice.
 */
export function chooseRunAs(folder: string, program: string, mode?: Mode): RunAs {
  const chosen = mode ?? chooseMode(folder, program);
  const self = { uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 };
  return {
    mode: chosen,
    owner: chosen === 'nobody' ? NOBODY : self,
    command: (name, args) =>
      chosen === 'user namespace' ? ['unshare', [...UNSHARE, name, ...args]] : [name, [...args]],
    options: chosen === 'nobody' ? NOBODY : {},
  };
}

const UNSHARE = ['--user', `--map-user=${NOBODY.uid}`, `--map-group=${NOBODY.gid}`];

function chooseMode(folder: string, program: string): Mode {
  if (process.getuid?.() !== 0) return 'self';
  const reach = spawnSync('/bin/sh', ['-c', 'cd "$1" && test -x "$2"', 'sh', folder, program], NOBODY);
  if (reach.status === 0) return 'nobody';
  if (spawnSync('unshare', [...UNSHARE, 'true']).status === 0) return 'user namespace';
  throw new Error(
    `PostgreSQL refuses to run as root, the user nobody cannot reach ${folder} or ${program}, and this machine ` +
      'allows no user namespaces: run as another user, move the checkout to a folder that others may enter ' +
      '(not below /root), or set DATABASE_URL.',
  );
}

/** Gives a data folder to whoever PostgreSQL now runs as: a checkout may have moved, or been started by another user. */
export function ensureOwner(path: string, { owner }: RunAs): void {
  const { uid, gid } = lstatSync(path);
  if (uid === owner.uid && gid === owner.gid) return;
  if (process.getuid?.() !== 0) {
    throw new Error(`${path} belongs to another user (uid ${uid}): start as that user, or remove it.`);
  }
  chownTree(path, owner);
}

/** The top comes last, so that a walk which was cut short is seen and done again. */
function chownTree(path: string, owner: RunAs['owner']): void {
  for (const entry of readdirSync(path, { withFileTypes: true })) {
    const child = join(path, entry.name);
    if (entry.isDirectory()) chownTree(child, owner);
    else if (!entry.isSymbolicLink()) chownSync(child, owner.uid, owner.gid);
  }
  chownSync(path, owner.uid, owner.gid);
}
