import { mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { acquireLock } from '../../platform/machine/file-lock.mjs';
import { buildWorker } from './build-worker.mjs';
import { downloadWorker } from './download-worker.mjs';
import { cachedWorkerPath, findWorker, workerRuns } from './find-worker.mjs';

/** Finds the worker, or downloads it, or builds it; see obtain-worker.d.mts. */
export async function obtainWorker({ log, env = process.env }) {
  const found = findWorker(env);
  if (found.path || env.MEDIASOUP_WORKER_BIN) return found;
  try {
    return await obtainUnderLock(cachedWorkerPath(env), { log, env });
  } catch (error) {
    return {
      path: null,
      reason: error.message,
      remedy: 'Mend that and start again, or set MEDIASOUP_WORKER_BIN to a mediasoup-worker of your own.',
    };
  }
}

async function obtainUnderLock(target, { log, env }) {
  const folder = dirname(target);
  const lock = await acquireLock(`${folder}.lock`, {
    onWait: (pid) => log(`The mediasoup worker is being obtained by process ${pid}: waiting for it …`),
  });
  try {
    // Whoever had the lock before may have put it there.
    const found = findWorker(env);
    if (found.path) return found;
    removeLeftovers(folder);
    const draft = `${folder}.draft-${process.pid}`;
    mkdirSync(draft, { recursive: true });
    const result = await makeIn(draft, { log, env, lock, logFile: `${folder}.build.log` });
    if (result.path) publish(result.path, target);
    rmSync(draft, { recursive: true, force: true });
    return result.path ? { path: target } : result;
  } finally {
    lock.release();
  }
}

async function makeIn(draft, { log, env, lock, logFile }) {
  const downloaded = await downloadWorker({ folder: draft, log, env });
  if (downloaded.path && workerRuns(downloaded.path)) return downloaded;
  log(
    `No official mediasoup worker (${downloaded.reason ?? 'it does not run here'}): building it from source.`,
  );
  return buildWorker({ folder: draft, log, lock, logFile });
}

/** Only a whole binary that was seen running gets its final name, in one step. */
function publish(binary, target) {
  mkdirSync(dirname(target), { recursive: true });
  renameSync(binary, target);
}

/** Drafts of processes that were killed; whoever holds the lock is alone, so none of them is in use. */
function removeLeftovers(folder) {
  const parent = dirname(folder);
  for (const name of readdirSync(parent)) {
    if (!name.startsWith(`${basename(folder)}.draft-`)) continue;
    rmSync(join(parent, name), { recursive: true, force: true });
  }
}
