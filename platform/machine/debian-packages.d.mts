import type { FileLock } from './file-lock.mjs';

/** The full path of a command, or null. */
export function findCommand(name: string, env?: NodeJS.ProcessEnv): string | null;

/**
 * Installs Debian packages through apt when this process is root. Never rejects and never waits without end; a failure
 * comes with its reason and the command that would mend it.
 */
export function installPackages(options: {
  readonly packages: readonly string[];
  /** What they are for, in a person's words. */
  readonly purpose: string;
  readonly log: (line: string) => void;
  readonly lock?: FileLock;
}): Promise<{ readonly ok: true } | { readonly ok: false; readonly reason: string; readonly remedy: string }>;
