import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createInterface } from 'node:readline';

export const CHECKOUT = resolve(import.meta.dirname, '../..');

export interface PlatformProcess {
  readonly url: string;
  readonly pid: number;
  /** Everything it printed so far. */
  output(): string;
  /** Sends a signal and resolves with the exit code, or null where a signal ended it. */
  end(signal: NodeJS.Signals): Promise<number | null>;
}

/** Runs a node script of this checkout. Resolves with the process once `ready` finds its result in a line of the output. */
export async function startProcess<T>(
  script: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv,
  ready: (line: string) => T | null,
): Promise<{ result: T; child: ChildProcess; output: () => string; end: PlatformProcess['end'] }> {
  const child = spawn(process.execPath, [join(CHECKOUT, script), ...args], {
    cwd: CHECKOUT,
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const lines: string[] = [];
  const found = Promise.withResolvers<T>();
  for (const stream of [child.stdout, child.stderr]) {
    createInterface({ input: stream }).on('line', (line) => {
      lines.push(line);
      const result = ready(line);
      if (result !== null) found.resolve(result);
    });
  }
  const output = () => lines.join('\n');
  const exited = once(child, 'exit').then(([code]) => code as number | null);
  void exited.then((code) => found.reject(new Error(`${script} ended with ${code}:\n${output()}`)));
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal);
    return exited;
  };
  return { result: await found.promise, child, output, end };
}

/** `npm start` on a free port, with its data in `dataDir`. Resolves once it says that it is ready. */
export async function startPlatformProcess(
  dataDir: string,
  env: NodeJS.ProcessEnv = {},
): Promise<PlatformProcess> {
  const { result, child, output, end } = await startProcess(
    'scripts/start.ts',
    [],
    { PORT: '0', DATA_DIR: dataDir, NODE_OPTIONS: AS_NPM_START, ...WITHOUT_SERVICES, ...env },
    // The explorer's address is printed once everything is ready.
    (line) => /Explorer\s+(http:\S+)\/$/.exec(line)?.[1] ?? null,
  );
  return { url: result, pid: child.pid!, output, end };
}

/** The same limit that `npm start` gives to node. */
const AS_NPM_START = '--max-semi-space-size=16';
const WITHOUT_SERVICES = { DATABASE_URL: '', REDIS_URL: '', NATS_URL: '', INTERNAL_SECRET: '' };

/** A folder of its own for a platform's data, removed at the end. */
export async function dataFolder(): Promise<{ path: string; remove: () => Promise<void> }> {
  const path = await mkdtemp(join(tmpdir(), 'veza-platform-'));
  // The embedded server may run as another user, who has to get in.
  await chmod(path, 0o755);
  return { path, remove: () => rm(path, { recursive: true, force: true }) };
}
