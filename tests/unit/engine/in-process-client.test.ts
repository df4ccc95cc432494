import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '#platform/errors.ts';
import type { SubgraphEndpoint } from '#platform/subgraph-endpoint.ts';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import { fetchOf } from '../gateway/scripted-subgraph.ts';

/** Executes until its answer is given; the signal alone does not end it. */
function slowEndpoint() {
  const answer = Promise.withResolvers<{ data: { a: number } }>();
  const signals: AbortSignal[] = [];
  const endpoint: SubgraphEndpoint = {
    execute: (_request, { signal }) => {
      signals.push(signal);
      return answer.promise;
    },
    subscribe: async () => ({ errors: [] }),
  };
  return { endpoint, answer, signals };
}

const isCoded = (code: string) => (error: unknown) => error instanceof CodedError && error.code === code;

test('a deadline ends the wait for a subgraph of the same process, which is told', async () => {
  const { endpoint, signals } = slowEndpoint();
  const deadline = new AbortController();
  const fetching = createInProcessClient(endpoint).fetch(fetchOf({ signal: deadline.signal }));
  deadline.abort(new CodedError('SUBGRAPH_TIMEOUT', 'The request took too long.'));
  await assert.rejects(fetching, isCoded('SUBGRAPH_TIMEOUT'));
  assert.equal(signals[0]?.aborted, true);
});

test('a caller who has gone ends the wait, too, and what comes afterwards is nobody’s', async () => {
  const { endpoint, answer } = slowEndpoint();
  const caller = new AbortController();
  const client = createInProcessClient(endpoint);
  const fetching = client.fetch(fetchOf({ signal: caller.signal }));
  caller.abort();
  await assert.rejects(fetching, isCoded('SUBGRAPH_UNAVAILABLE'));
  answer.resolve({ data: { a: 1 } });
  assert.deepEqual(await client.fetch(fetchOf()), { data: { a: 1 } });
});

test('nothing is run for a caller who has gone before', async () => {
  const { endpoint, signals } = slowEndpoint();
  const fetching = createInProcessClient(endpoint).fetch(fetchOf({ signal: AbortSignal.abort() }));
  await assert.rejects(fetching, isCoded('SUBGRAPH_UNAVAILABLE'));
  assert.deepEqual(signals, []);
});
