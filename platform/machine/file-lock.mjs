import { linkSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, basename, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { identify, isAlive, killGroup } from './process-identity.mjs';

const POLL_MS = 100;

/**
 * Takes the lock `path`, waiting for its present holder; see file-lock.d.mts.
 *
 * A lock file that is deleted and made anew has a race: two waiters that both saw a dead holder can each delete
 * the other's fresh lock. So generations are never reused: the lock belongs to the highest `path.<n>`, taking it
 * over means creating `path.<n + 1>` with link(2), which exactly one process can do, and releasing it leaves a file
 * without holders behind.
 */
export async function acquireLock(path, { onWait, signal } = {}) {
  mkdirSync(dirname(path), { recursive: true });
  for (let told = false; ;) {
    signal?.throwIfAborted();
    const attempt = tryLock(path);
    if (attempt.lock) return attempt.lock;
    if (!told) onWait?.(attempt.holderPid);
    told = true;
    await delay(POLL_MS, undefined, { signal });
  }
}

/** One attempt: `{ lock }`, or `{ holderPid }` of the living process that has it. */
export function tryLock(path) {
  mkdirSync(dirname(path), { recursive: true });
  const latest = latestGeneration(path);
  const holders = latest === 0 ? [] : readHolders(`${path}.${latest}`);
  const [owner, ...children] = holders;
  if (owner && isAlive(owner)) return { holderPid: owner.pid };
  // The owner died and left children at work (npm, a compiler): they must not write beside ours.
  const orphans = children.filter(isAlive);
  for (const orphan of orphans) killGroup(orphan.pid);
  if (orphans[0]) return { holderPid: orphans[0].pid };
  const generation = latest + 1;
  const self = identify(process.pid);
  if (!create(`${path}.${generation}`, [self])) return { holderPid: null };
  // A file below the highest one was created by someone who had looked before older generations were swept.
  if (latestGeneration(path) !== generation) {
    rmSync(`${path}.${generation}`, { force: true });
    return { holderPid: null };
  }
  sweep(path, generation);
  return { lock: heldLock(`${path}.${generation}`, self) };
}

function heldLock(file, self) {
  let children = [];
  const write = (holders) => replace(file, holders);
  return {
    addChild(pid) {
      children = [...children.filter(isAlive), identify(pid)];
      write([self, ...children]);
    },
    release: () => write([]),
  };
}

function generations(path) {
  const prefix = `${basename(path)}.`;
  return readdirSync(dirname(path))
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length))
    .filter((suffix) => /^\d+$/.test(suffix))
    .map(Number);
}

const latestGeneration = (path) => Math.max(0, ...generations(path));

function sweep(path, own) {
  for (const generation of generations(path)) {
    if (generation < own) rmSync(`${path}.${generation}`, { force: true });
  }
}

function readHolders(file) {
  try {
    const holders = JSON.parse(readFileSync(file, 'utf8'));
    return Array.isArray(holders) ? holders : [];
  } catch {
    return []; // Swept a moment ago, or torn by a power cut: either way nobody holds it.
  }
}

/** Creates the file with its content in one step, so nobody reads a lock whose holder is not written yet. */
function create(file, holders) {
  const draft = `${file}.${process.pid}.draft`;
  writeFileSync(draft, JSON.stringify(holders));
  try {
    linkSync(draft, file);
    return true;
  } catch (error) {
    if (error.code === 'EEXIST') return false;
    throw error;
  } finally {
    rmSync(draft, { force: true });
  }
}

function replace(file, holders) {
  const draft = join(dirname(file), `.${basename(file)}.draft`);
  writeFileSync(draft, JSON.stringify(holders));
  renameSync(draft, file);
}
