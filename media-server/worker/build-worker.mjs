import { spawnSync } from 'node:child_process';
import { rmSync } from 'node:fs';
import { availableParallelism, totalmem } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { findCommand, installPackages } from '../../platform/machine/debian-packages.mjs';
import { runVisibly } from '../../platform/machine/visible-command.mjs';
import { MEDIASOUP_DIR, workerRuns } from './find-worker.mjs';

const BUILD_TIMEOUT_MS = 30 * 60_000;
/** What one compiler process takes at its worst; more jobs than memory would swap or be killed. */
const BYTES_PER_JOB = 1024 ** 3;

const TOOLS = {
  cmake: 'cmake',
  ninja: 'ninja-build',
  'g++': 'g++',
  'pkg-config': 'pkg-config',
  flatc: 'flatbuffers-compiler',
};
const LIBRARIES = {
  openssl: 'libssl-dev',
  libuv: 'libuv1-dev',
  libsrtp2: 'libsrtp2-dev',
  flatbuffers: 'libflatbuffers-dev',
};

/** Builds the worker inside `folder`: `{ path }` of a binary that was seen running, or `{ path: null, reason, remedy }`. */
export async function buildWorker({ folder, log, lock, logFile }) {
  const packages = missingPackages();
  if (packages.length > 0) {
    const installed = await installPackages({
      packages,
      purpose: 'building the mediasoup worker',
      log,
      lock,
    });
    if (!installed.ok) {
      const reason = `building it takes Debian packages that are missing (${packages.join(' ')}): ${installed.reason}`;
      return { path: null, reason, remedy: `As root: ${installed.remedy}` };
    }
  }
  rmSync(logFile, { force: true });
  const failed = await compile(folder, { log, lock, logFile });
  const path = join(folder, 'mediasoup-worker');
  if (!failed && workerRuns(path)) return { path };
  return {
    path: null,
    reason: `building it failed: ${failed ?? 'the binary does not run'}`,
    remedy: `The whole log is in ${logFile}.`,
  };
}

const percent = (line) => /^\[\s*(\d+%)\]/.exec(line)?.[1];

/** Returns the last line of what went wrong, or null. */
async function compile(folder, { log, lock, logFile }) {
  const jobs = Math.max(1, Math.min(availableParallelism(), Math.floor(totalmem() / BYTES_PER_JOB)));
  const step = (label, command, args, detail) =>
    // Niced: the platform itself, or a person's desktop, goes first.
    runVisibly({
      label,
      command: 'nice',
      args: ['-n', '10', command, ...args],
      log,
      lock,
      logFile,
      detail,
      timeoutMs: BUILD_TIMEOUT_MS,
      env: { ...process.env, NINJA_STATUS: '[%p] ' },
    });
  const configured = await step('Preparing the mediasoup worker', 'cmake', cmakeArguments(folder));
  if (!configured.ok) return lastError(configured.tail);
  const built = await step(
    'Building the mediasoup worker',
    'ninja',
    ['-C', folder, '-j', String(jobs)],
    percent,
  );
  return built.ok ? null : lastError(built.tail);
}

const cmakeArguments = (folder) => [
  '-GNinja',
  `-S${fileURLToPath(new URL('.', import.meta.url))}`,
  `-B${folder}`,
  '-DCMAKE_BUILD_TYPE=Release',
  `-DMEDIASOUP_WORKER_DIR=${join(MEDIASOUP_DIR, 'worker')}`,
  `-DNODE=${process.execPath}`,
];

const lastError = (tail) => tail.findLast((line) => /error/i.test(line)) ?? tail.at(-1);

/** Debian packages of the tools and libraries that are not here yet. */
function missingPackages() {
  const tools = Object.entries(TOOLS).filter(([command]) => !findCommand(command));
  const libraries = Object.entries(LIBRARIES).filter(([name]) => !hasLibrary(name));
  return [...tools, ...libraries].map(([, debianPackage]) => debianPackage);
}

function hasLibrary(name) {
  return spawnSync('pkg-config', ['--exists', name], { stdio: 'ignore' }).status === 0;
}
