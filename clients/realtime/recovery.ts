import type { RealtimeError } from './realtime-error.ts';

/** When to try again. */
export interface RetryOptions {
  /** Longest wait before the first retry, and twice the shortest one; it doubles with each further failure. */
  readonly minDelayMs: number;
  readonly maxDelayMs: number;
  /** Failures in a row after which a subscription gives up. One that lasted `maxDelayMs`, or brought an event, begins the count anew. */
  readonly maxAttempts: number;
}

/** A phone may be without network for hours, so that nobody gives up unless told to. */
export const RETRY: RetryOptions = { minDelayMs: 500, maxDelayMs: 10_000, maxAttempts: Infinity };

/** Told of every interruption, with the time until the next try. */
export type OnRetry = (error: RealtimeError, delayMs: number) => void;

export interface Recovery {
  /** A connection is being tried. */
  begin(): void;
  succeeded(): void;
  /** Resolves when it is time for another try, or the signal is aborted; throws the error where another try is in vain. */
  failed(error: RealtimeError): Promise<void>;
}

export function createRecovery(retry: RetryOptions, onRetry: OnRetry, signal: AbortSignal): Recovery {
  let failures = 0;
  let refusals = 0;
  let begunAtMs = 0;
  const succeeded = () => {
    failures = 0;
    refusals = 0;
  };
  return {
    begin: () => void (begunAtMs = performance.now()),
    succeeded,
    async failed(error) {
      if (performance.now() - begunAtMs >= retry.maxDelayMs) succeeded();
      failures += 1;
      if (error.remedy === 'fresh-token') refusals += 1;
      // With two refusals the fresh token was refused, too.
      if (error.remedy === 'none' || failures > retry.maxAttempts || refusals > 1) throw error;
      const waitMs = delayMs(failures, retry);
      onRetry(error, waitMs);
      await wait(waitMs, signal);
    },
  };
}

/** Half of it at random, so that many clients do not come back at the same moment. */
function delayMs(failures: number, { minDelayMs, maxDelayMs }: RetryOptions): number {
  return (0.5 + Math.random() / 2) * Math.min(maxDelayMs, minDelayMs * 2 ** (failures - 1));
}

/** Resolves after the time, or at once where the signal is aborted. */
function wait(durationMs: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return Promise.resolve();
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, durationMs);
    signal.addEventListener('abort', finish);
  });
}
