import { CodedError } from '#platform/errors.ts';
import type { RequestScope, SubgraphEndpoint } from '#platform/subgraph-endpoint.ts';
import { allVariables, type SubgraphClient, type SubgraphFetch } from './subgraph-client.ts';

/** Calls a subgraph of the same process: the code behind its HTTP route, without the route. Closing leaves the endpoint running. */
export function createInProcessClient(endpoint: SubgraphEndpoint): SubgraphClient {
  return {
    fetch: (request) =>
      untilAborted(() => endpoint.execute(asRequest(request), scopeOf(request)), request.signal),
    subscribe: (request) => endpoint.subscribe(asRequest(request), scopeOf(request)),
    close: async () => undefined,
  };
}

function asRequest(request: SubgraphFetch) {
  const { query, operationName } = request.operation;
  return { query, operationName, variables: allVariables(request), extensions: request.extensions };
}

const scopeOf = ({ headers, signal, onStart }: SubgraphFetch): RequestScope => ({
  headers,
  signal,
  ...(onStart && { onStart }),
});

/** Nobody waits any longer than a connection would: what the signal does not end goes on unseen, as in a process of its own. */
function untilAborted<T>(run: () => Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortError(signal));
    const onAbort = () => reject(abortError(signal));
    signal.addEventListener('abort', onAbort);
    run()
      .finally(() => signal.removeEventListener('abort', onAbort))
      .then(resolve, reject);
  });
}

/** A deadline is the only end of a signal that has a reason for the client. */
const abortError = ({ reason }: AbortSignal) =>
  reason instanceof CodedError
    ? new CodedError('SUBGRAPH_TIMEOUT', 'The subgraph did not answer in time.', {}, reason)
    : new CodedError('SUBGRAPH_UNAVAILABLE', 'The caller is gone.', {}, reason);
