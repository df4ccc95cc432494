import type { GraphQLDataSource, GraphQLDataSourceProcessOptions } from '@apollo/gateway';
import { CodedError } from '#platform/errors.ts';
import { subgraphOperation, type SubgraphClient } from '../client/subgraph-client.ts';
import type { EngineScope } from '../engine.ts';
import type { JsonObject } from '../plan/execution.ts';

/** The context value of a request. */
export interface ReferenceContext {
  readonly scope: EngineScope;
  /** By name: those of the supergraph that it began with. */
  readonly clients: ReadonlyMap<string, SubgraphClient>;
}

/** The engine's way to a subgraph, as ApolloGateway wants it, which keeps it for good: whose clients it uses is each request's to say. */
export function createDataSource(name: string): GraphQLDataSource {
  return {
    async process({ request, context }: GraphQLDataSourceProcessOptions) {
      const { query = '', operationName, variables = {} } = request;
      const { scope, clients } = context as ReferenceContext;
      const { headers, signal } = scope;
      const client = clients.get(name);
      if (!client) throw new CodedError('SUBGRAPH_UNAVAILABLE', `The subgraph ${name} is served no more.`);
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
