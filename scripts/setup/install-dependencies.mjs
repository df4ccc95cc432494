import { mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { acquireLock } from '../../platform/machine/file-lock.mjs';
import { findCommand } from '../../platform/machine/debian-packages.mjs';
import { runVisibly } from '../../platform/machine/visible-command.mjs';
import {
  CHECKOUT,
  dependenciesReady,
  installedByHand,
  removeStamps,
  writeStamp,
} from './dependencies-stamp.mjs';

const OLDEST_NODE_MAJOR = 20;
/** An offline machine gets its answer in seconds; what npm has in its cache needs no network at all. */
const NPM_ARGUMENTS = [
  'ci',
  '--prefer-offline',
  '--no-audit',
  '--no-fund',
  '--loglevel=error',
  '--fetch-retries=2',
  '--fetch-retry-mintimeout=1000',
  '--fetch-retry-maxtimeout=5000',
  '--fetch-timeout=60000',
];
const INSTALL_TIMEOUT_MS = 20 * 60_000;

/** Brings node_modules to what package-lock.json asks for. Throws with npm's own words when that fails. */
export async function installDependencies(log) {
  requireNode();
  mkdirSync(join(CHECKOUT, '.veza'), { recursive: true });
  const lock = await acquireLock(join(CHECKOUT, '.veza', 'setup.lock'), {
    onWait: (pid) => log(`process ${pid} is setting this checkout up: waiting for it …`),
  });
  try {
    if (dependenciesReady()) return;
    if (!installedByHand()) await npmCi(log, lock);
    writeStamp();
  } finally {
    lock.release();
  }
}

async function npmCi(log, lock) {
  removeStamps();
  const [command, ...args] = npmCommand();
  const { ok, tail } = await runVisibly({
    label: 'Installing the dependencies, Node 24 among them',
    command,
    args: [...args, ...NPM_ARGUMENTS],
    cwd: CHECKOUT,
    env: npmEnvironment(),
    timeoutMs: INSTALL_TIMEOUT_MS,
    log,
    lock,
  });
  if (ok) return;
  throw new Error(
    `npm could not install the dependencies:\n${tail.join('\n')}\n` +
      'Check the network (or the registry that npm is set to) and start again.',
  );
}

/** The Node that runs npm must not be the one inside node_modules, which npm is about to remove. */
function npmCommand() {
  const npm = process.env.npm_execpath;
  if (!npm || !/npm-cli\.[cm]?js$/.test(npm)) return ['npm'];
  return [findCommand('node', { PATH: outsidePath() }) ?? process.execPath, npm];
}

function outsidePath() {
  const own = join(CHECKOUT, 'node_modules');
  return (process.env.PATH ?? '')
    .split(delimiter)
    .filter((folder) => !folder.startsWith(own))
    .join(delimiter);
}

function npmEnvironment() {
  return {
    ...process.env,
    PATH: outsidePath(),
    // Any value keeps mediasoup's installer from downloading or compiling a worker of its own: that comes next.
    MEDIASOUP_WORKER_BIN: process.env.MEDIASOUP_WORKER_BIN || process.execPath,
  };
}

function requireNode() {
  const major = Number(process.versions.node.split('.')[0]);
  if (major >= OLDEST_NODE_MAJOR) return;
  throw new Error(`Node ${process.versions.node} is too old: install Node ${OLDEST_NODE_MAJOR} or later.`);
}
