import { createHash } from 'node:crypto';
import { Supergraph } from '@apollo/federation-internals';
import { ApolloGateway } from '@apollo/gateway';
import type { GatewayExecutor, GatewayGraphQLRequestContext } from '@apollo/server-gateway-interface';
import {
  GraphQLError,
  parse,
  print,
  type DocumentNode,
  type FormattedExecutionResult,
  type GraphQLFormattedError,
  type GraphQLSchema,
  type OperationDefinitionNode,
} from 'graphql';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { createClientRegistry, type ClientRegistry, type ClientSet } from '../client-registry.ts';
import type { EngineOptions } from '../create-engine.ts';
import type { EngineScope } from '../engine.ts';
import type { JsonObject } from '../plan/execution.ts';
import { createDataSource, type ReferenceContext } from './data-source.ts';

export interface ReferenceGateway {
  current(): { readonly apiSchema: GraphQLSchema; readonly supergraphSdl: string };
  execute(
    document: DocumentNode,
    operation: OperationDefinitionNode,
    operationName: string | null | undefined,
    variables: Readonly<JsonObject> | null | undefined,
    scope: EngineScope,
  ): Promise<FormattedExecutionResult>;
  /** Throws a CodedError for a bad SDL, and goes on with the one before. */
  update(sdl: string): void;
  close(): Promise<void>;
}

/** An ApolloGateway that reaches subgraphs through the engine's clients. */
export async function createReferenceGateway(
  options: Pick<EngineOptions, 'sdl' | 'clients' | 'log'>,
): Promise<ReferenceGateway> {
  process.env['APOLLO_TELEMETRY_DISABLED'] = 'true';
  const { log } = options;
  const registry = createClientRegistry(options);
  let update: ((sdl: string) => void) | undefined;
  const gateway = new ApolloGateway({
    logger: loggerOf(log),
    supergraphSdl: async (given) => {
      update = given.update;
      return { supergraphSdl: options.sdl };
    },
    buildService: ({ name }) => createDataSource(name),
  });
  let latest: ReturnType<ReferenceGateway['current']> | undefined;
  gateway.onSchemaLoadOrUpdate(({ apiSchema, coreSupergraphSdl }) => {
    latest = { apiSchema, supergraphSdl: coreSupergraphSdl };
  });
  const { executor } = await asCoded(() => gateway.load());
  let serving = takeClients(registry, options.sdl);
  const current = () => {
    if (!latest) throw new Error('the reference engine has no schema');
    return latest;
  };
  return {
    current,
    async execute(document, operation, operationName, variables, scope) {
      const { apiSchema: schema } = current();
      const began = serving;
      const own = { scope, clients: began.use() };
      const context = requestContext({ document, operation, schema, variables, operationName, own, log });
      return answer(executor, context, scope.correlationId).finally(() => began.release());
    },
    update(sdl) {
      const next = takeClients(registry, sdl);
      serving = exchange(serving, next, () => update?.(sdl));
    },
    async close() {
      await gateway.stop();
      await registry.close();
    },
  };
}

/** Of every subgraph that the supergraph has; they are closed once they are in none that is used. */
function takeClients(registry: ClientRegistry, sdl: string): ClientSet {
  const subgraphs = asCodedSync(() => {
    const supergraph = Supergraph.build(parse(sdl), { validateSupergraph: false });
    return supergraph.subgraphsMetadata().map(({ name, url }) => [name, url] as const);
  });
  return registry.setOf(new Map(subgraphs));
}

function exchange(before: ClientSet, next: ClientSet, update: () => void): ClientSet {
  try {
    asCodedSync(update);
  } catch (error) {
    next.release();
    throw error;
  }
  before.release();
  return next;
}

interface ReferenceRequest {
  readonly document: DocumentNode;
  readonly operation: OperationDefinitionNode;
  readonly operationName: string | null | undefined;
  readonly schema: GraphQLSchema;
  readonly variables: Readonly<JsonObject> | null | undefined;
  readonly own: ReferenceContext;
  readonly log: Log;
}

/** What Apollo Server would hand to the gateway. */
function requestContext(request: ReferenceRequest): GatewayGraphQLRequestContext {
  const { document, operation, operationName, schema, variables, own, log } = request;
  const source = print(document);
  return {
    request: { query: source, operationName: operationName ?? undefined, variables: { ...variables } },
    logger: loggerOf(log),
    schema,
    schemaHash: '' as GatewayGraphQLRequestContext['schemaHash'],
    context: own,
    cache: { get: async () => undefined, set: async () => undefined, delete: async () => undefined },
    queryHash: createHash('sha256').update(source).digest('hex'),
    document,
    source,
    operationName: operation.name?.value ?? null,
    operation,
    metrics: {},
    overallCachePolicy: {},
  };
}

async function answer(
  executor: GatewayExecutor,
  context: GatewayGraphQLRequestContext,
  correlationId: string | undefined,
): Promise<FormattedExecutionResult> {
  const { data, errors } = await executor(context);
  const shown = errors?.map((error) => shownError(error, correlationId));
  return { ...(data !== undefined && { data }), ...(shown && shown.length > 0 && { errors: shown }) };
}

function shownError(error: GraphQLError, correlationId: string | undefined): GraphQLFormattedError {
  const { message, path, extensions } = error;
  const { exception: _exception, serviceName, ...given } = extensions;
  const service = serviceName === undefined ? {} : { service: serviceName };
  const shown = { code: 'SUBGRAPH_ERROR', ...given, ...service, ...(correlationId && { correlationId }) };
  return { message, ...(path && { path }), extensions: shown };
}

const loggerOf = (log: Log) => ({
  debug: (message?: unknown) => log.debug(String(message)),
  info: (message?: unknown) => log.debug(String(message)),
  warn: (message?: unknown) => log.warn(String(message)),
  error: (message?: unknown) => log.error(String(message)),
});

const unusable = (error: unknown) =>
  new CodedError('INTERNAL_SERVER_ERROR', `The supergraph is not usable: ${messageOf(error)}`, {}, error);

async function asCoded<T>(load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (error) {
    throw unusable(error);
  }
}

function asCodedSync<T>(change: () => T): T {
  try {
    return change();
  } catch (error) {
    throw unusable(error);
  }
}
