import { ApolloServer, type ApolloServerPlugin } from '@apollo/server';
import {
  ApolloServerPluginCacheControlDisabled,
  ApolloServerPluginInlineTraceDisabled,
  ApolloServerPluginLandingPageDisabled,
  ApolloServerPluginSchemaReportingDisabled,
  ApolloServerPluginUsageReportingDisabled,
} from '@apollo/server/plugin/disabled';
import type { GatewayInterface } from '@apollo/server-gateway-interface';
import { GraphQLError, type FormattedExecutionResult, type GraphQLFormattedError } from 'graphql';
import { messageOf, type ErrorCode } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { EngineScope } from '../engine/engine.ts';
import type { GatewayMetrics } from '../metrics.ts';
import { currentReport } from '../telemetry/report.ts';
import { PREFLIGHT_HEADERS } from './csrf.ts';
import { statusOf } from './error-status.ts';
import { presentError } from './errors.ts';
import type { PersistedQueries } from './persisted-queries.ts';

export interface FrontServerOptions {
  readonly gateway: GatewayInterface;
  readonly log: Log;
  readonly metrics: GatewayMetrics;
  readonly persisted: PersistedQueries;
  readonly plugins?: readonly ApolloServerPlugin<EngineScope>[];
}

const MAX_TOKENS = 15_000;

/** Starts the Apollo Server that every HTTP operation passes. Rejects where the supergraph cannot be loaded. */
export async function startFrontServer(options: FrontServerOptions): Promise<ApolloServer<EngineScope>> {
  const { gateway, log, metrics, persisted, plugins = [] } = options;
  const server = new ApolloServer<EngineScope>({
    gateway,
    // Everything that depends on the environment is set here, so that tests run what production runs.
    nodeEnv: 'production',
    stopOnTerminationSignals: false,
    introspection: true,
    allowBatchedHttpRequests: true,
    includeStacktraceInErrorResponses: false,
    csrfPrevention: { requestHeaders: PREFLIGHT_HEADERS },
    parseOptions: { maxTokens: MAX_TOKENS },
    persistedQueries: { cache: persisted.cache },
    maxRecursiveSelections: true,
    stringifyResult: createResultText(),
    logger: apolloLogger(log),
    formatError: (formatted, error) => format(formatted, error, log),
    plugins: [...DISABLED, operationPlugin(metrics), ...plugins],
  });
  await server.start();
  return server;
}

/** Equal queries share their data, which is then written once. */
function createResultText() {
  const texts = new WeakMap<object, string>();
  return (result: FormattedExecutionResult): string => {
    const { data, errors, extensions } = result;
    if (!data || errors || extensions) return JSON.stringify(result);
    let text = texts.get(data);
    if (text === undefined) texts.set(data, (text = JSON.stringify(result)));
    return text;
  };
}

const DISABLED = [
  ApolloServerPluginCacheControlDisabled(),
  ApolloServerPluginInlineTraceDisabled(),
  ApolloServerPluginLandingPageDisabled(),
  ApolloServerPluginSchemaReportingDisabled(),
  ApolloServerPluginUsageReportingDisabled(),
];

function apolloLogger(log: Log) {
  return {
    debug: (message?: unknown) => log.debug(String(message)),
    info: (message?: unknown) => log.info(String(message)),
    warn: (message?: unknown) => log.warn(String(message)),
    error: (message?: unknown) => log.error(String(message)),
  };
}

function format(formatted: GraphQLFormattedError, error: unknown, log: Log): GraphQLFormattedError {
  const correlationId = currentReport.getStore()?.correlationId ?? '';
  const original = error instanceof GraphQLError ? error.originalError : error;
  // The parser recurses, and what is nested too deeply ends its stack.
  if (originOf(error) instanceof RangeError && formatted.extensions?.['code'] === PARSE_FAILED)
    return presentError(
      { message: 'The document is nested too deeply.', extensions: { code: PARSE_FAILED } },
      correlationId,
    );
  // Errors that the engine or a subgraph made are logged where they were made; this one nobody has seen.
  if (original && !(original instanceof GraphQLError))
    log.error({ err: original, correlationId }, messageOf(original));
  const code = refusalCode(error);
  return presentError(code ? recode(formatted, code) : formatted, correlationId);
}

const originOf = (error: unknown): unknown =>
  error instanceof GraphQLError ? originOf(error.originalError) : error;

const PARSE_FAILED = 'GRAPHQL_PARSE_FAILED' satisfies ErrorCode;

/** Of Apollo Server's own refusals, where it has none that fits: it gives some a status but no code (persisted queries), to others a wider one. */
function refusalCode(error: unknown): ErrorCode | null {
  if (!(error instanceof GraphQLError)) return null;
  const status = (error.extensions['http'] as { status?: number } | undefined)?.status;
  if (status === 405) return 'METHOD_NOT_ALLOWED';
  return status === 400 && error.extensions['code'] === undefined ? 'BAD_REQUEST' : null;
}

const recode = (error: GraphQLFormattedError, code: ErrorCode): GraphQLFormattedError => ({
  ...error,
  extensions: { ...error.extensions, code },
});

function operationPlugin(metrics: GatewayMetrics): ApolloServerPlugin<EngineScope> {
  return {
    async requestDidStart() {
      return {
        async didResolveOperation({ operation }) {
          if (!operation) throw operationUnclear();
          if (operation.operation === 'subscription') throw needsStream();
          metrics.operated('http');
          currentReport.getStore()?.ran({ type: operation.operation, name: operation.name?.value });
        },
        async willSendResponse({ request, requestIsBatched, response: { http, body } }) {
          if (body.kind !== 'single') return;
          const accept = request.http?.headers.get('accept');
          // Where there is none, Apollo Server negotiates it once more.
          if (accept !== undefined) http.headers.set('content-type', `${accept}; charset=utf-8`);
          const { data, errors } = body.singleResult;
          currentReport.getStore()?.failed(errors);
          if (data !== undefined || !errors) return;
          // What one operation of a batch came to says nothing about the others, which clients would take for failed as well.
          http.status = requestIsBatched ? 200 : statusOf(errors, http.status, accept);
        },
      };
    },
  };
}

function operationUnclear(): GraphQLError {
  return new GraphQLError('Name the operation to run: `operationName` fits none of the document.', {
    extensions: { code: 'OPERATION_RESOLUTION_FAILURE', http: { status: 400 } },
  });
}

function needsStream(): GraphQLError {
  return new GraphQLError(
    'Subscriptions run over graphql-transport-ws, or with `Accept: text/event-stream` or `multipart/mixed; subscriptionSpec=1.0`.',
    {
      extensions: { code: 'BAD_REQUEST', http: { status: 400 } },
    },
  );
}
