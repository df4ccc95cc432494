import type { RequestScope, SubgraphEndpoint } from '#platform/subgraph-endpoint.ts';
import { allVariables, type SubgraphClient, type SubgraphFetch } from './subgraph-client.ts';

/** Calls a subgraph of the same process: the code behind its HTTP route, without the route. Closing leaves the endpoint running. */
export function createInProcessClient(endpoint: SubgraphEndpoint): SubgraphClient {
  return {
    fetch: (request) => endpoint.execute(asRequest(request), scopeOf(request)),
    subscribe: (request) => endpoint.subscribe(asRequest(request), scopeOf(request)),
    close: async () => undefined,
  };
}

function asRequest(request: SubgraphFetch) {
  const { query, operationName } = request.operation;
  return { query, operationName, variables: allVariables(request) };
}

const scopeOf = ({ headers, signal }: SubgraphFetch): RequestScope => ({ headers, signal });
