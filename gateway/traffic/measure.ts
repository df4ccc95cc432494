import { CodedError } from '#platform/errors.ts';
import type { SubgraphClient } from '../engine/client/subgraph-client.ts';
import type { SubgraphMetrics } from './metrics.ts';

/** Takes the time of every request that is really sent. */
export function withLatency(client: SubgraphClient, metrics: SubgraphMetrics): SubgraphClient {
  return {
    ...client,
    async fetch(request) {
      const startedAtMs = performance.now();
      try {
        return await client.fetch(request);
      } finally {
        metrics.fetched(performance.now() - startedAtMs);
      }
    },
  };
}

/** Counts what a plan gets to see: errors in answers, and fetches without one after all that was tried. */
export function withErrorCount(client: SubgraphClient, metrics: SubgraphMetrics): SubgraphClient {
  return {
    ...client,
    async fetch(request) {
      try {
        const result = await client.fetch(request);
        // Whatever a subgraph put there; the engine checks it later.
        const errors: unknown = result.errors;
        if (Array.isArray(errors)) for (const error of errors) metrics.failed(error?.extensions?.code);
        return result;
      } catch (error) {
        // Callers who went away are no errors of the subgraph.
        if (!request.signal.aborted || request.signal.reason instanceof CodedError)
          metrics.failed(error instanceof CodedError ? error.code : 'SUBGRAPH_ERROR');
        throw error;
      }
    },
  };
}
