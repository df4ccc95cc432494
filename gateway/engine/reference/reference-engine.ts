import {
  getOperationAST,
  GraphQLError,
  parse,
  validate,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql';
import { messageOf } from '#platform/errors.ts';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import type { EngineOptions } from '../create-engine.ts';
import type { Engine, EngineScope } from '../engine.ts';
import { refused } from '../response.ts';
import { createSwapListeners } from '../swap-listeners.ts';
import { createReferenceGateway } from './reference-gateway.ts';

/**
 * Plain ApolloGateway behind the engine's interface: the way back where an answer of the engine is in doubt, and what it is compared with.
 * Slower, without subscriptions, `@defer` and the supergraph features that ApolloGateway refuses. Rejects with a CodedError for a bad SDL.
 */
export async function createReferenceEngine(
  options: Pick<EngineOptions, 'sdl' | 'clients' | 'log'>,
): Promise<Engine> {
  const gateway = await createReferenceGateway(options);
  const { onSwap, tell } = createSwapListeners();
  let mutationsEnded = 0;
  const run: Engine['executeDocument'] = async (document, operationName, variables, scope) => {
    const operation = getOperationAST(document, operationName || null);
    if (!operation)
      return refused([coded('Unknown operation.', 'OPERATION_RESOLUTION_FAILURE')], scope.correlationId);
    if (operation.operation === 'subscription') return refused([noSubscriptions()], scope.correlationId);
    const result = await gateway.execute(document, operation, operationName, variables, scope);
    if (operation.operation === 'mutation') mutationsEnded += 1;
    return result;
  };
  const execute: Engine['execute'] = async (request, scope) => {
    const checked = check(gateway.current().apiSchema, request);
    if ('errors' in checked) return refused(checked.errors, scope.correlationId);
    return run(checked.document, request.operationName, request.variables, scope);
  };
  const engine: Engine = {
    get apiSchema() {
      return gateway.current().apiSchema;
    },
    get supergraphSdl() {
      return gateway.current().supergraphSdl;
    },
    get mutationsEnded() {
      return mutationsEnded;
    },
    execute,
    executeInParts: execute,
    executeText: execute,
    executeDocument: run,
    executeDocumentInParts: run,
    follow: refuseSubscription,
    subscribe: refuseSubscription,
    operationKind: (request) => kindOf(gateway.current().apiSchema, request),
    ...NOTHING_KNOWN,
    swap(sdl) {
      gateway.update(sdl);
      tell(engine);
    },
    onSwap,
    close: () => gateway.close(),
  };
  return engine;
}

const NOTHING_KNOWN = {
  // ApolloGateway takes no supergraph with any.
  guarded: () => [],
  liveCounts: () => ({ groups: 0, upstreams: 0, resumptions: 0 }),
  // ApolloGateway keeps its plans to itself.
  unsoundPlans: () => 0,
  operationCache: () => ({ hits: 0, misses: 0, evictions: 0, entries: 0, bytes: 0 }),
} satisfies Partial<Engine>;

function kindOf(schema: GraphQLSchema, request: GraphQLRequest) {
  const checked = check(schema, request);
  if ('errors' in checked) return null;
  return getOperationAST(checked.document, request.operationName || null)?.operation ?? null;
}

type Checked = { readonly document: DocumentNode } | { readonly errors: readonly GraphQLError[] };

function check(schema: GraphQLSchema, { query }: GraphQLRequest): Checked {
  try {
    const document = parse(query, { maxTokens: 15_000 });
    const errors = validate(schema, document);
    if (errors.length === 0) return { document };
    return { errors: errors.map((error) => coded(error.message, 'GRAPHQL_VALIDATION_FAILED')) };
  } catch (error) {
    return { errors: [coded(messageOf(error), 'GRAPHQL_PARSE_FAILED')] };
  }
}

const coded = (message: string, code: string) => new GraphQLError(message, { extensions: { code } });

const refuseSubscription = async (_request: GraphQLRequest, { correlationId }: EngineScope) =>
  refused([noSubscriptions()], correlationId);

const noSubscriptions = () =>
  coded('This gateway runs the reference engine, which has no subscriptions.', 'BAD_REQUEST');
