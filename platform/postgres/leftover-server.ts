import { readFileSync, readdirSync, readlinkSync, realpathSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';

const POLL_MS = 20;
/** What each signal is given before the next one: SIGINT aborts transactions and checkpoints, SIGQUIT only leaves. */
const PATIENCE = [
  { signal: 'SIGINT', ms: 20_000 },
  { signal: 'SIGQUIT', ms: 5_000 },
  { signal: 'SIGKILL', ms: 5_000 },
] as const;

/**
 * Stops the server that a killed process left behind on this cluster, committed data kept, and removes a
 * `postmaster.pid` that would keep a new one from starting.
 *
 * A server is told by its working folder, which is its cluster, never by the id in `postmaster.pid`: after a crash
 * that id may belong to any other process, and PostgreSQL itself would take that one for a running server.
 */
export async function stopLeftoverServer(cluster: string): Promise<{ readonly stoppedPid: number | null }> {
  const leftovers = serversIn(cluster);
  const postmaster = postmasterOf(leftovers);
  if (leftovers.length > 0) await end(cluster);
  rmSync(join(cluster, 'postmaster.pid'), { force: true });
  return { stoppedPid: postmaster };
}

async function end(cluster: string): Promise<void> {
  for (const { signal, ms } of PATIENCE) {
    const deadline = Date.now() + ms;
    send(signal, cluster);
    while (Date.now() < deadline) {
      if (serversIn(cluster).length === 0) return;
      await delay(POLL_MS);
    }
  }
  throw new Error(`The PostgreSQL that still runs on ${cluster} cannot be stopped: end it by hand.`);
}

/** The postmaster ends its own children; children without one are told themselves. */
function send(signal: NodeJS.Signals, cluster: string): void {
  const servers = serversIn(cluster);
  const postmaster = postmasterOf(servers);
  const targets = postmaster !== null && signal !== 'SIGKILL' ? [postmaster] : servers.map(({ pid }) => pid);
  for (const pid of targets) {
    try {
      process.kill(pid, signal);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === 'ESRCH')) throw error;
    }
  }
}

interface ServerProcess {
  readonly pid: number;
  readonly parentPid: number;
}

function postmasterOf(servers: readonly ServerProcess[]): number | null {
  const pids = new Set(servers.map(({ pid }) => pid));
  return servers.find(({ parentPid }) => !pids.has(parentPid))?.pid ?? null;
}

function serversIn(cluster: string): ServerProcess[] {
  const folder = realpathSync(cluster);
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => serverProcess(Number(name), folder))
    .filter((found) => found !== null);
}

function serverProcess(pid: number, folder: string): ServerProcess | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const nameEnd = stat.lastIndexOf(')');
    if (stat.slice(stat.indexOf('(') + 1, nameEnd) !== 'postgres') return null;
    if (readlinkSync(`/proc/${pid}/cwd`) !== folder) return null;
    return { pid, parentPid: Number(stat.slice(nameEnd + 2).split(' ')[1]) };
  } catch {
    return null; // It ended meanwhile, or belongs to another user, who could not have our cluster.
  }
}
