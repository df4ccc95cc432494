import { mkdirSync } from 'node:fs';
import { createServer } from 'node:net';
import { join, resolve } from 'node:path';
import type { Log } from '../log.ts';
import { acquireLock, type FileLock } from '../machine/file-lock.mjs';
import { findPostgresBinaries } from './binaries.ts';
import { openCluster } from './cluster.ts';
import { stopLeftoverServer } from './leftover-server.ts';
import { chooseRunAs, type RunAs } from './run-as.ts';
import { PortTakenError, startServerProcess, type ServerProcess } from './server-process.ts';

/** How long a start waits for another process to leave the data folder, for example one that is stopping. */
const FOLDER_WAIT_MS = 5_000;
const PORT_ATTEMPTS = 5;

export interface EmbeddedPostgres {
  readonly port: number;
  /** Process id of the server. */
  readonly pid: number;
  /** URL of one database, with the superuser's name and password: not for logs. */
  url(database: string): string;
  /** Stops the server; everything committed stays. Idempotent. Close all connections first: they are cut. */
  stop(): Promise<void>;
}

export interface EmbeddedPostgresOptions {
  /** Folder of its own: cluster, password, log and lock. Made when missing. One process at a time. */
  readonly dataDir: string;
  readonly log: Log;
  /** Unset: a free port. */
  readonly port?: number;
  /** Unset: chosen by what this machine allows. */
  readonly runAs?: RunAs['mode'];
}

/**
 * Starts the PostgreSQL server that comes with the dependencies, on 127.0.0.1 alone and with a generated password.
 * A server that a killed process left behind on the folder is stopped first. Throws, with what to do, when the folder
 * is in use by a living process, is of another version, or the port is taken.
 */
export async function startEmbeddedPostgres(options: EmbeddedPostgresOptions): Promise<EmbeddedPostgres> {
  const home = resolve(options.dataDir);
  mkdirSync(home, { recursive: true });
  const lock = await lockFolder(home);
  try {
    return await startLocked(home, lock, options);
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function startLocked(
  home: string,
  lock: FileLock,
  { log, port, runAs: mode }: EmbeddedPostgresOptions,
): Promise<EmbeddedPostgres> {
  const binaries = findPostgresBinaries();
  const runAs = chooseRunAs(home, binaries.postgres, mode);
  const cluster = await openCluster(home, binaries, runAs);
  const { stoppedPid } = await stopLeftoverServer(cluster.path);
  if (stoppedPid)
    log.warn({ pid: stoppedPid }, 'stopped the PostgreSQL that a killed process had left running');
  const start = (onPort: number) =>
    startServerProcess({
      program: binaries.postgres,
      cluster: cluster.path,
      port: onPort,
      logFile: join(home, 'server.log'),
      runAs,
    });
  const { server, boundPort } = await startOnPort(start, port);
  return running(server, lock, log, boundPort, cluster.password);
}

function running(
  server: ServerProcess,
  lock: FileLock,
  log: Log,
  port: number,
  password: string,
): EmbeddedPostgres {
  let stopping: Promise<void> | undefined;
  const onExit = () => {
    lock.release();
    if (!stopping) log.error({ pid: server.pid }, 'the embedded PostgreSQL ended on its own');
  };
  void server.exited.then(onExit);
  log.debug({ port, pid: server.pid }, 'embedded PostgreSQL is ready');
  return {
    port,
    pid: server.pid,
    url: (database) => `postgres://postgres:${password}@127.0.0.1:${port}/${encodeURIComponent(database)}`,
    stop: () => (stopping ??= server.stop()),
  };
}

async function lockFolder(home: string): Promise<FileLock> {
  let holder: number | null = null;
  try {
    return await acquireLock(join(home, 'lock'), {
      signal: AbortSignal.timeout(FOLDER_WAIT_MS),
      onWait: (pid) => (holder = pid),
    });
  } catch (error) {
    if (!(error instanceof Error && /Abort|Timeout/.test(error.name))) throw error;
    throw new Error(
      `${home} is in use by process ${holder ?? '(unknown)'}: stop it first, or use another folder.`,
      {
        cause: error,
      },
    );
  }
}

/** Between finding a free port and the server taking it another process may be quicker, so a few are tried. */
async function startOnPort(
  start: (port: number) => Promise<ServerProcess>,
  wanted: number | undefined,
): Promise<{ server: ServerProcess; boundPort: number }> {
  if (wanted) return { server: await start(wanted), boundPort: wanted };
  for (let attempt = 1; ; attempt += 1) {
    const boundPort = await freePort();
    try {
      return { server: await start(boundPort), boundPort };
    } catch (error) {
      if (!(error instanceof PortTakenError) || attempt === PORT_ATTEMPTS) throw error;
    }
  }
}

function freePort(): Promise<number> {
  return new Promise((resolvePort, reject) => {
    const probe = createServer();
    probe.once('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const address = probe.address();
      probe.close(() => resolvePort(typeof address === 'object' && address ? address.port : 0));
    });
  });
}
