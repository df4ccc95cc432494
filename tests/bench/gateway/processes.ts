import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';

/** What is measured has a core of its own; subgraphs and load share the other. */
export const GATEWAY_CORE = '0';
export const LOAD_CORE = '1';
const SHOWN_CHARS = 4_000;

const running = new Set<ChildProcess>();

export interface PinnedProcess {
  readonly child: ChildProcess;
  readonly pid: number;
  /** The last it printed. */
  output(): string;
  /** Kills it with everything it started; resolves once it has ended. */
  end(): Promise<void>;
}

/** Refuses a machine that cannot keep gateway and load apart. Then ties this process to the load's core, and sees that no child outlives it. */
export function prepareMachine(): void {
  if (availableParallelism() < 2)
    throw new Error('This benchmark needs two cores: one for the gateway, one for the load.');
  try {
    execFileSync('taskset', ['-a', '-c', '-p', LOAD_CORE, String(process.pid)], { stdio: 'ignore' });
  } catch (error) {
    throw new Error(
      'This benchmark pins processes to cores with taskset, which cannot be run here (Debian package: util-linux).',
      { cause: error },
    );
  }
  process.on('exit', killAll);
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => process.exit(130));
}

/** For browsers, which want more than a core: what this process starts from now on gets both. */
export function useBothCores(): void {
  const cores = `${GATEWAY_CORE},${LOAD_CORE}`;
  execFileSync('taskset', ['-a', '-c', '-p', cores, String(process.pid)], { stdio: 'ignore' });
}

/** Runs a node program on these cores. With `ipc` it can send messages and notices when this process is gone. */
export function startPinned(
  cores: string,
  args: readonly string[],
  { env = {}, cwd, ipc = false }: { env?: NodeJS.ProcessEnv; cwd?: string; ipc?: boolean } = {},
): PinnedProcess {
  const child = spawn('taskset', ['-c', cores, process.execPath, ...args], {
    cwd,
    env: { ...process.env, NODE_ENV: 'production', ...env },
    stdio: ['ignore', 'pipe', 'pipe', ...(ipc ? (['ipc'] as const) : [])],
    // A group of its own, so that its workers end with it.
    detached: true,
  });
  const { pid } = child;
  if (pid === undefined) throw new Error(`Cannot start ${args.join(' ')}.`);
  running.add(child);
  const exited = once(child, 'exit').then(() => void running.delete(child));
  let text = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (part: Buffer) => (text = (text + part.toString()).slice(-SHOWN_CHARS)));
  const end = () => {
    killGroup(child);
    return exited;
  };
  return { child, pid, output: () => text.trim(), end };
}

function killGroup({ pid, exitCode, signalCode }: ChildProcess): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, 'SIGKILL');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
  }
}

function killAll(): void {
  for (const child of running) killGroup(child);
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
