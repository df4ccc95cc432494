import type { GraphQLDataSource, GraphQLDataSourceProcessOptions } from '@apollo/gateway';
import { subgraphOperation, type SubgraphClient } from '../client/subgraph-client.ts';
import type { EngineScope } from '../engine.ts';
import type { JsonObject } from '../plan/execution.ts';

/** The engine's way to a subgraph, as ApolloGateway wants it. The context value of a request is its EngineScope. */
export function createDataSource(client: SubgraphClient): GraphQLDataSource {
  return {
    async process({ request, context }: GraphQLDataSourceProcessOptions) {
      const { query = '', operationName, variables = {} } = request;
      const { headers, signal } = context as EngineScope;
      const operation = subgraphOperation(query, operationName, kindOf(query));
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

const kindOf = (query: string) => (query.trimStart().startsWith('mutation') ? 'mutation' : 'query');
