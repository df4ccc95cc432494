import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync } from 'node:fs';
import { arch, homedir, platform } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Raised with every change to how the worker is built, so that older cached binaries are left aside. */
const BUILDER_REVISION = 2;
/** What the worker exits with when it is started without MEDIASOUP_VERSION: its sign of life. */
const NOT_STARTED_BY_MEDIASOUP = 41;
const PROBE_TIMEOUT_MS = 10_000;

/** Folder of the npm package that holds the worker's sources. */
export const MEDIASOUP_DIR = fileURLToPath(new URL('../../node_modules/mediasoup/', import.meta.url));

export function mediasoupVersion() {
  return JSON.parse(readFileSync(join(MEDIASOUP_DIR, 'package.json'), 'utf8')).version;
}

/** Folder shared by all checkouts of a user: a worker takes minutes to build and survives `npm ci` here. */
export function cacheFolder(env = process.env) {
  const base = env.VEZA_CACHE_DIR || join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'veza');
  return join(resolve(base), 'mediasoup-worker');
}

/** A binary belongs to one version of mediasoup, one architecture and one distribution, whose libraries it is linked to. */
export function cachedWorkerPath(env = process.env) {
  const key = `${mediasoupVersion()}-${platform()}-${arch()}-${distribution()}-r${BUILDER_REVISION}`;
  return join(cacheFolder(env), key, 'mediasoup-worker');
}

/** Finds the worker without obtaining it; see find-worker.d.mts. */
export function findWorker(env = process.env) {
  const custom = env.MEDIASOUP_WORKER_BIN;
  if (custom) return checked(custom, 'Point MEDIASOUP_WORKER_BIN at a mediasoup-worker, or unset it.');
  try {
    return checked(
      cachedWorkerPath(env),
      'Run `node scripts/setup.mjs`, which obtains it and says what it lacks.',
    );
  } catch (error) {
    return { path: null, reason: `mediasoup is not installed: ${error.message}`, remedy: 'Run `npm ci`.' };
  }
}

/** Whether there is nothing to obtain, told without starting the binary: a custom path counts, whatever it holds. */
export function nothingToObtain(env = process.env) {
  return Boolean(env.MEDIASOUP_WORKER_BIN) || existsSync(cachedWorkerPath(env));
}

/** Whether the binary runs on this machine: a wrong architecture or a missing library shows here and not in a live room. */
export function workerRuns(path) {
  const { status } = spawnSync(path, [], { env: {}, stdio: 'ignore', timeout: PROBE_TIMEOUT_MS });
  return status === NOT_STARTED_BY_MEDIASOUP;
}

function checked(path, remedy) {
  try {
    accessSync(path, constants.X_OK);
  } catch {
    return { path: null, reason: `there is no mediasoup-worker at ${path}`, remedy };
  }
  if (workerRuns(path)) return { path };
  return { path: null, reason: `the mediasoup-worker at ${path} does not run on this machine`, remedy };
}

function distribution() {
  try {
    const release = readFileSync('/etc/os-release', 'utf8');
    const value = (name) => new RegExp(`^${name}="?([\\w.-]+)`, 'm').exec(release)?.[1] ?? '';
    return `${value('ID')}${value('VERSION_ID')}` || 'unknown';
  } catch {
    return 'unknown';
  }
}
