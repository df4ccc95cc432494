import type { FileLock } from './file-lock.mjs';

export interface VisibleCommand {
  /** What it does, in the words of the person who waits. */
  readonly label: string;
  readonly command: string;
  readonly args: readonly string[];
  readonly cwd?: string;
  readonly env?: NodeJS.ProcessEnv;
  /** Gets one line at the start, one every three seconds, and one at the end. */
  readonly log: (line: string) => void;
  /** Everything that the command prints is appended here. */
  readonly logFile?: string;
  /** After this the command and all its children are killed. */
  readonly timeoutMs?: number;
  /** Turns a line of output into a word of progress, such as a percentage. */
  readonly detail?: (line: string) => string | undefined;
  /** The lock that the command works under. */
  readonly lock?: FileLock;
}

/**
 * Runs a command to its end. Never rejects: a command that is missing, fails or takes too long is `ok: false`, and
 * `tail` holds its last lines of output and the reason. SIGINT, SIGTERM and SIGHUP to this process end the command too.
 */
export function runVisibly(
  command: VisibleCommand,
): Promise<{ readonly ok: boolean; readonly tail: string[] }>;
