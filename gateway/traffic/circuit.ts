import { CodedError } from '#platform/errors.ts';
import type { SubgraphClient } from '../engine/client/subgraph-client.ts';
import { createBreaker, type BreakerOptions, type Outcome } from './breaker.ts';
import { NotSentError } from './refusal.ts';

/** Stops asking a subgraph that fails, and tries it again after a while. GraphQL errors are answers, not failures. */
export function withBreaker(client: SubgraphClient, name: string, options: BreakerOptions): SubgraphClient {
  const breaker = createBreaker(options);
  return {
    ...client,
    async fetch(request) {
      const pass = breaker.pass();
      if (pass.isOpen) {
        const { retryAfterMs } = pass;
        throw new NotSentError(`The subgraph ${name} keeps failing and is left alone for now.`, {
          retryAfterMs,
        });
      }
      try {
        const result = await client.fetch(request);
        pass.settle('success');
        return result;
      } catch (error) {
        pass.settle(outcomeOf(error, request.signal));
        throw error;
      }
    },
  };
}

/** A caller who went away proves nothing, a caller whose deadline passed proves that the subgraph was too slow. */
function outcomeOf(error: unknown, signal: AbortSignal): Outcome {
  if (error instanceof NotSentError) return 'unknown';
  if (signal.aborted && !(signal.reason instanceof CodedError)) return 'unknown';
  return 'failure';
}
