import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';

export interface RunningProcess {
  readonly child: ChildProcessByStdio<null, Readable, Readable>;
  /** Both outputs so far. */
  stdout(): string;
  stderr(): string;
  /** Resolves once standard output holds `marker`; rejects where the process ends before. */
  says(marker: string): Promise<void>;
  /** Exit code, or the signal that ended it, once its outputs are read to their end. */
  readonly ended: Promise<number | NodeJS.Signals | null>;
}

/** Runs `node` with these arguments and nothing of this process's environment but PATH. */
export function runNode(args: readonly string[], env: NodeJS.ProcessEnv = {}): RunningProcess {
  const child = spawn(process.execPath, args, {
    env: { PATH: process.env.PATH, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const output = { stdout: '', stderr: '' };
  child.stderr.on('data', (chunk: Buffer) => (output.stderr += chunk.toString()));
  child.stdout.on('data', (chunk: Buffer) => (output.stdout += chunk.toString()));
  const ended = once(child, 'close').then(([code, signal]) => code ?? signal);
  return {
    child,
    stdout: () => output.stdout,
    stderr: () => output.stderr,
    ended,
    async says(marker) {
      while (!output.stdout.includes(marker)) {
        const more = await Promise.race([once(child.stdout, 'data'), ended.then(() => null)]);
        if (more === null && !output.stdout.includes(marker))
          throw new Error(`The process ended without ${marker}: ${output.stderr}`);
      }
    },
  };
}
