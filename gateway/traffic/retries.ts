import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError } from '#platform/errors.ts';
import type { SubgraphClient } from '../engine/client/subgraph-client.ts';
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

/**
 * Asks again where a query did not reach its subgraph, or the subgraph said that it is overloaded. Mutations are never repeated: the first
 * one may have been carried out. Nor is a query that timed out: a second one would only add to the load that made it slow.
 */
export function withRetries(client: SubgraphClient, options: RetryOptions): SubgraphClient {
  const { attempts, random = Math.random, pause = pauseFor, onRetry } = options;
  const budget = createBudget(options.budgetRatio, options.budgetMax);
  return {
    ...client,
    async fetch(request) {
      budget.earn();
      for (let attempt = 1; ; attempt++) {
        try {
          return await client.fetch(request);
        } catch (error) {
          const isLast = attempt >= attempts || request.operation.kind !== 'query' || request.signal.aborted;
          const delayMs = isLast ? null : delayBefore(attempt, error, options, random());
          if (delayMs === null || !budget.spend()) throw error;
          onRetry?.();
          // The caller's end during the pause must not hide why the subgraph failed.
          await pause(delayMs, request.signal).catch(() => Promise.reject(error));
        }
      }
    },
  };
}

const pauseFor = (ms: number, signal: AbortSignal) => sleep(ms, undefined, { signal });

/** Full jitter over an exponential bound, at least what the subgraph asked for. Null where there is to be no further attempt. */
function delayBefore(
  attempt: number,
  error: unknown,
  { baseDelayMs, maxDelayMs }: RetryOptions,
  random: number,
): number | null {
  if (!(error instanceof CodedError) || error.code !== 'SUBGRAPH_UNAVAILABLE') return null;
  if (error instanceof NotSentError) return null;
  const askedMs = Number(error.details['retryAfterMs'] ?? 0);
  // The client is not kept waiting that long; it is told instead.
  if (askedMs > maxDelayMs) return null;
  const jitterMs = random * Math.min(maxDelayMs, baseDelayMs * 2 ** (attempt - 1));
  return Math.max(askedMs, jitterMs);
}

function createBudget(ratio: number, max: number) {
  let saved = max;
  return {
    earn: () => void (saved = Math.min(max, saved + ratio)),
    spend: () => {
      if (saved < 1) return false;
      saved -= 1;
      return true;
    },
  };
}
