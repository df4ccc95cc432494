import type { SubgraphClient } from '../../../gateway/engine/client/subgraph-client.ts';
import { Attempts, type AttemptOptions } from '../../../gateway/traffic/attempts.ts';

/** A client whose fetches pass the given rules and no others: one attempt, no breaker, no limit. */
export function withAttempts(client: SubgraphClient, options: Partial<AttemptOptions>): SubgraphClient {
  const attempts = new Attempts(client, {
    name: 'goods',
    retries: { attempts: 1, baseDelayMs: 0, maxDelayMs: 0, budgetRatio: 0, budgetMax: 0 },
    breaker: null,
    concurrency: { maxConcurrent: Infinity, maxQueued: 0, maxWaitMs: 0 },
    ...options,
  });
  return { ...client, fetch: (request) => attempts.fetch(request) };
}
