import type { GraphQLDataSource, GraphQLDataSourceProcessOptions } from '@apollo/gateway';
import type { SubgraphClient, SubgraphOperation } from '../client/subgraph-client.ts';
import type { EngineScope } from '../engine.ts';
import type { JsonObject } from '../plan/execution.ts';

/** The engine's way to a subgraph, as ApolloGateway wants it. The context value of a request is its EngineScope. */
export function createDataSource(client: SubgraphClient): GraphQLDataSource {
  return {
    async process({ request, context }: GraphQLDataSourceProcessOptions) {
      const { query = '', operationName, variables = {} } = request;
      const { headers, signal } = context as EngineScope;
      const operation = operationOf(query, operationName);
      const { data, errors } = await client.fetch({
        operation,
        variables: variables as JsonObject,
        representations: null,
        headers,
        signal,
      });
      return { data, errors };
    },
  };
}

function operationOf(query: string, operationName: string | undefined): SubgraphOperation {
  const name = operationName ? `,"operationName":${JSON.stringify(operationName)}` : '';
  return {
    query,
    operationName,
    kind: query.trimStart().startsWith('mutation') ? 'mutation' : 'query',
    bodyPrefix: `{"query":${JSON.stringify(query)}${name},"variables":{`,
  };
}
