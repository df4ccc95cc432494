import { spawn, type ChildProcess } from 'node:child_process';
import {
  closeSync,
  existsSync,
  fstatSync,
  openSync,
  readFileSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunAs } from './run-as.ts';

const START_TIMEOUT_MS = 60_000;
const READY_POLL_MS = 5;
const FAST_SHUTDOWN_MS = 20_000;
const IMMEDIATE_SHUTDOWN_MS = 5_000;
const MAX_LOG_BYTES = 10 * 1024 * 1024;

/** Sized for a laptop beside other programs. Durability is left as PostgreSQL has it: fsync and synchronous commit on. */
const SETTINGS = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '200',
  shared_buffers: '64MB',
  max_wal_size: '512MB',
  jit: 'off',
  timezone: 'UTC',
  log_timezone: 'UTC',
  lc_messages: 'C',
  logging_collector: 'off',
  log_destination: 'stderr',
};

export interface ServerProcess {
  readonly pid: number;
  /** Resolves when the server is gone, whoever ended it. */
  readonly exited: Promise<void>;
  /** Fast shutdown: open transactions are rolled back, committed ones are on disk. Escalates when it takes too long. */
  stop(): Promise<void>;
}

/** The server could not take its port; another port may do. */
export class PortTakenError extends Error {}

/** Starts PostgreSQL and resolves once it accepts connections. Throws PortTakenError, or an Error with the server's own words. */
export async function startServerProcess(options: {
  readonly program: string;
  readonly cluster: string;
  readonly port: number;
  readonly logFile: string;
  readonly runAs: RunAs;
}): Promise<ServerProcess> {
  const { program, cluster, port, logFile, runAs } = options;
  const settings = Object.entries({ ...SETTINGS, port: String(port) });
  const flags = settings.flatMap(([name, value]) => ['-c', `${name}=${value}`]);
  const [command, args] = runAs.command(program, ['-D', cluster, ...flags]);
  const logged = openLog(logFile);
  // Its own session: Ctrl-C in a terminal must reach this process alone, which stops the server after its own work.
  // A file for its messages: a pipe would break when this process is killed, and the server may outlive it.
  const child = spawn(command, args, {
    ...runAs.options,
    cwd: cluster,
    detached: true,
    stdio: ['ignore', logged.fd, logged.fd],
  });
  closeSync(logged.fd);
  const exited = new Promise<void>((resolve) => {
    child.once('exit', () => resolve());
    child.once('error', () => resolve());
  });
  child.unref();
  await untilReady(child, exited, { cluster, port, logFile, offset: logged.size });
  return serverProcess(child, exited);
}

function serverProcess(child: ChildProcess, exited: Promise<void>): ServerProcess {
  // A process that leaves without calling stop() still sends the server home; kill(2) does not need the event loop.
  const onExit = () => void child.kill('SIGINT');
  process.once('exit', onExit);
  void exited.then(() => process.off('exit', onExit));
  let stopping: Promise<void> | undefined;
  return {
    pid: child.pid!,
    exited,
    stop: () => (stopping ??= stopChild(child, exited)),
  };
}

async function stopChild(child: ChildProcess, exited: Promise<void>): Promise<void> {
  child.ref();
  const steps = [
    { signal: 'SIGINT', ms: FAST_SHUTDOWN_MS },
    { signal: 'SIGQUIT', ms: IMMEDIATE_SHUTDOWN_MS },
  ] as const;
  for (const { signal, ms } of steps) {
    child.kill(signal);
    if (await within(exited, ms)) return;
  }
  child.kill('SIGKILL');
  await exited;
}

async function within(done: Promise<void>, ms: number): Promise<boolean> {
  const abort = new AbortController();
  const late = delay(ms, false, { signal: abort.signal }).catch(() => false);
  const result = await Promise.race([done.then(() => true), late]);
  abort.abort();
  return result;
}

interface Start {
  readonly cluster: string;
  readonly port: number;
  readonly logFile: string;
  /** Where in the log file this start's messages begin. */
  readonly offset: number;
}

async function untilReady(child: ChildProcess, exited: Promise<void>, start: Start): Promise<void> {
  let gone = false;
  void exited.then(() => (gone = true));
  const deadline = Date.now() + START_TIMEOUT_MS;
  while (!saysReady(start.cluster, child.pid)) {
    if (gone) throw startError(start);
    if (Date.now() > deadline) {
      child.kill('SIGQUIT');
      throw new Error(
        `The embedded PostgreSQL was not ready after ${START_TIMEOUT_MS / 1000} s: see ${start.logFile}`,
      );
    }
    await delay(READY_POLL_MS);
  }
}

/** The eighth line of `postmaster.pid` is the server's state, the first its id: pg_ctl waits in the same way. */
function saysReady(cluster: string, pid: number | undefined): boolean {
  const file = join(cluster, 'postmaster.pid');
  if (!existsSync(file)) return false;
  const lines = readFileSync(file, 'utf8').split('\n');
  return lines[0] === String(pid) && lines[7]?.trim() === 'ready';
}

function startError({ port, logFile, offset }: Start): Error {
  const said = readFrom(logFile, offset).trim().split('\n').slice(-6).join('\n');
  if (/could not bind .*: Address already in use/.test(said)) {
    return new PortTakenError(
      `The embedded PostgreSQL cannot listen on 127.0.0.1:${port}: the port is in use.`,
    );
  }
  return new Error(`The embedded PostgreSQL did not start:\n${said}\nIts log is ${logFile}`);
}

function openLog(file: string): { fd: number; size: number } {
  if (existsSync(file) && statSync(file).size > MAX_LOG_BYTES) truncateSync(file);
  const fd = openSync(file, 'a', 0o600);
  return { fd, size: fstatSync(fd).size };
}

function readFrom(file: string, offset: number): string {
  const fd = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(Math.max(0, fstatSync(fd).size - offset));
    readSync(fd, buffer, 0, buffer.length, offset);
    return buffer.toString('utf8');
  } finally {
    closeSync(fd);
  }
}
