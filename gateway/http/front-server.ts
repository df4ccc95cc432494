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

export interface FrontServerOptions {
  readonly gateway: GatewayInterface;
  readonly log: Log;
  readonly metrics: GatewayMetrics;
  readonly plugins?: readonly ApolloServerPlugin<EngineScope>[];
}

const MAX_TOKENS = 15_000;

/** Starts the Apollo Server that every HTTP operation passes. Rejects where the supergraph cannot be loaded. */
export async function startFrontServer(options: FrontServerOptions): Promise<ApolloServer<EngineScope>> {
  const { gateway, log, metrics, plugins = [] } = options;
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
    const { data } = result;
    if (!data || Object.keys(result).length > 1) return JSON.stringify(result);
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
  // Errors that the engine or a subgraph made are logged where they were made; this one nobody has seen.
  if (original && !(original instanceof GraphQLError))
    log.error({ err: original, correlationId }, messageOf(original));
  return presentError(isClientFault(error) ? recode(formatted, 'BAD_REQUEST') : formatted, correlationId);
}

// Some of Apollo Server's own refusals (persisted queries) have a status but no code.
function isClientFault(error: unknown): boolean {
  if (!(error instanceof GraphQLError) || error.extensions['code'] !== undefined) return false;
  return (error.extensions['http'] as { status?: number } | undefined)?.status === 400;
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
        async willSendResponse({ request, response: { http, body } }) {
          if (body.kind !== 'single') return;
          const { data, errors } = body.singleResult;
          currentReport.getStore()?.failed(errors);
          if (data === undefined && errors)
            http.status = statusOf(errors, http.status, request.http?.headers.get('accept'));
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
