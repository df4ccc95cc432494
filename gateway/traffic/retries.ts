import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '#platform/errors.ts';
import { NotSentError } from './refusal.ts';

export interface RetryOptions {
  /** Including the first one. */
  readonly attempts: number;
  /** Longest pause before the second attempt; it doubles with each further one, up to `maxDelayMs`. */
  readonly baseDelayMs: number;
  readonly maxDelayMs: number;
  /** Retries per request over time, 0–1, so that retries cannot multiply the load on a subgraph that is overloaded. */
  readonly budgetRatio: number;
  /** Retries that are saved up at most. */
  readonly budgetMax: number;
  readonly onRetry?: () => void;
  /** From 0 to 1. */
  readonly random?: () => number;
  readonly pause?: (ms: number, signal: AbortSignal) => Promise<unknown>;
}

export const pauseFor = (ms: number, signal: AbortSignal): Promise<unknown> =>
  sleep(ms, undefined, { signal });

/**
 * The pause after attempt number `attempt`, in milliseconds: full jitter over an exponential bound, at least what the subgraph asked for. Null
 * where there is to be no further attempt: only what did not reach its subgraph, or met an overload there, is worth one. What timed out is
 * not: a second request would only add to the load that made the first one slow.
 */
export function delayBefore(
  attempt: number,
  error: unknown,
  { baseDelayMs, maxDelayMs, random = Math.random }: RetryOptions,
): number | null {
  if (!(error instanceof CodedError) || error.code !== 'SUBGRAPH_UNAVAILABLE') return null;
  if (error instanceof NotSentError) return null;
  const askedMs = Number(error.details['retryAfterMs'] ?? 0);
  // The client is not kept waiting that long; it is told instead.
  if (askedMs > maxDelayMs) return null;
  const jitterMs = random() * Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1));
  return Math.max(askedMs, jitterMs);
}

/** Every fetch earns a share of a retry, and every retry costs a whole one. */
export function createRetryBudget({ budgetRatio, budgetMax }: RetryOptions) {
  let saved = budgetMax;
  return {
    earn: () => void (saved = Math.min(budgetMax, saved + budgetRatio)),
    spend: () => {
      if (saved < 1) return false;
      saved -= 1;
      return true;
    },
  };
}
