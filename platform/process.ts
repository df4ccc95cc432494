import { messageOf } from './errors.ts';
import { createLog } from './log.ts';

export interface Running {
  /** Stops everything, gently first. Called once. */
  close(): Promise<void>;
  /** How long that may take; default: 15 s. */
  readonly closeDeadlineMs?: number;
}

const CLOSE_DEADLINE_MS = 15_000;

const force = () => process.exit(1);

/**
 * Runs a process: starts it, and on SIGTERM or SIGINT closes it and exits with 0. What fails at start is said in one message, exit code 1.
 * A second signal, or a close that takes too long, ends the process at once; so does an error that nobody caught, after it was logged:
 * what it left behind is unknown, and everything that matters is in the database.
 */
export async function runProcess(start: () => Promise<Running>): Promise<void> {
  const stopped = new Promise<NodeJS.Timeout>((resolve) => onStopSignal(resolve));
  exitOnUncaughtError();
  try {
    const running = await start();
    clearTimeout(await stopped);
    endWithin(running.closeDeadlineMs ?? CLOSE_DEADLINE_MS);
    await running.close();
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${messageOf(error)}\n`);
    process.exit(1);
  }
}

/** Logs an error that nobody caught, and ends the process with 1. */
export function exitOnUncaughtError(): void {
  process.once('uncaughtException', (thrown: unknown, origin) => {
    const err = thrown instanceof Error ? thrown : new Error(String(thrown));
    createLog('process', 'fatal').fatal({ err, origin }, 'uncaught error');
    process.exit(1);
  });
}

const endWithin = (deadlineMs: number) => setTimeout(force, deadlineMs).unref();

/** From the first signal on the clock runs, also for a start that never ends; `stop` gets its timer. */
function onStopSignal(stop: (deadline: NodeJS.Timeout) => void): void {
  const first = () => {
    process.off('SIGTERM', first).off('SIGINT', first);
    process.on('SIGTERM', force).on('SIGINT', force);
    stop(endWithin(CLOSE_DEADLINE_MS));
  };
  process.on('SIGTERM', first).on('SIGINT', first);
}
