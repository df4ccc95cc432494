import { createHash } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CHECKOUT = fileURLToPath(new URL('../..', import.meta.url));
const NODE_MODULES = join(CHECKOUT, 'node_modules');
const STAMP = join(NODE_MODULES, '.setup-stamp');
/** npm writes it at the very end of an installation: what is really there, in the lockfile's own format. */
const INSTALLED = join(NODE_MODULES, '.package-lock.json');

/** Whether node_modules holds what package-lock.json asks for, on this platform. Milliseconds: one hash. */
export function dependenciesReady() {
  return readOrNull(STAMP) === wantedStamp();
}

export const writeStamp = () => writeFileSync(STAMP, wantedStamp());

/** Takes back every sign of a finished installation, so that one which is killed midway cannot be taken for whole. */
export function removeStamps() {
  rmSync(STAMP, { force: true });
  rmSync(INSTALLED, { force: true });
}

/**
 * Whether an installation that someone made by hand (`npm ci`) is what the lockfile asks for: the same packages in the
 * same versions, and none missing but those for other platforms.
 */
export function installedByHand() {
  const installed = packagesIn(INSTALLED);
  const locked = packagesIn(join(CHECKOUT, 'package-lock.json'));
  if (!installed || !locked) return false;
  const paths = Object.keys(locked).filter((path) => path !== '');
  return (
    Object.keys(installed).every((path) => path in locked) &&
    paths.every((path) => isSame(installed[path], locked[path]))
  );
}

function isSame(installed, locked) {
  if (installed) return installed.version === locked.version && installed.integrity === locked.integrity;
  return locked.optional === true && !isForThisPlatform(locked);
}

/** Which C library a machine has is not cheap to tell, so a package that names one may be absent anywhere. */
function isForThisPlatform({ os, cpu, libc }) {
  return libc === undefined && allows(os, process.platform) && allows(cpu, process.arch);
}

const allows = (names, mine) => names === undefined || [names].flat().includes(mine);

function packagesIn(file) {
  const text = readOrNull(file);
  return text === null ? null : JSON.parse(text).packages;
}

function wantedStamp() {
  const lock = readFileSync(join(CHECKOUT, 'package-lock.json'));
  return createHash('sha256').update(lock).update(`${process.platform} ${process.arch}`).digest('hex');
}

function readOrNull(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return null;
  }
}
