import { readFileSync } from 'node:fs';
import { buildSubgraphSchema, type GraphQLResolverMap } from '@apollo/subgraph';
import {
  createSourceEventStream,
  execute,
  getOperationAST,
  GraphQLError,
  locatedError,
  parse,
  type ExecutionArgs,
  type FormattedExecutionResult,
  type GraphQLSchema,
} from 'graphql';
import { requireSignIn } from './auth-directive.ts';
import { createDocumentCache } from './document-cache.ts';
import { CodedError, Refusal } from './errors.ts';
import { INTERNAL_HEADER, isInternal } from './internal-auth.ts';
import type { Log } from './log.ts';
import { mapEvents } from './map-events.ts';
import { answerPoll, isPoll, readPoll } from './polling/answer-poll.ts';
import type { Listening, Poll } from './polling/poll.ts';
import type { GraphQLRequest, RequestScope, SubgraphEndpoint } from './subgraph-endpoint.ts';
import { requestFields } from './tracing/trace-context.ts';
import { verifyViewer, VIEWER_HEADER, type Viewer } from './viewer.ts';

/** What every operation knows; a subgraph's own context extends it. */
export interface OperationScope extends Listening {
  readonly viewer: Viewer | null;
  readonly correlationId: string | null;
  /** Facts about the client's connection, as the gateway saw them. */
  readonly client: { readonly ipAddress: string | null; readonly userAgent: string | null };
}

export interface EndpointOptions<C extends OperationScope> {
  /** Location of the subgraph's schema.graphql. */
  readonly schemaFile: URL;
  /** The generated `Resolvers` type of the subgraph. */
  readonly resolvers: object;
  /** Called for every operation, and again for every event of a subscription: loaders must not outlive either. */
  readonly createContext: (scope: OperationScope) => C;
  /** Checks the gateway's signature on the viewer header. */
  readonly secret: string;
  readonly log: Log;
}

type Prepared = { readonly args: ExecutionArgs } | Failure;
type Kind = 'execute' | 'subscribe';

/** Builds a subgraph's executable schema and wraps it as an endpoint. Throws where SDL and resolvers do not fit. */
export function createEndpoint<C extends OperationScope>(options: EndpointOptions<C>): SubgraphEndpoint {
  const prepare = createPreparation(options);
  const open = createOpening(options, prepare);
  return {
    async execute(request, scope) {
      const log = operationLog(options.log, scope);
      try {
        if (isPoll(request)) return await runPoll(open, options.secret, request, scope, log);
        const prepared = prepare('execute', request, scope, null);
        return 'failure' in prepared ? prepared.failure : formatResult(await execute(prepared.args), log);
      } catch (error) {
        return failureOf(error, log);
      }
    },
    async subscribe(request, scope) {
      const log = operationLog(options.log, scope);
      const life = lifeWithin(scope.signal);
      try {
        const opened = await open(request, { ...scope, signal: life.signal }, null, log);
        if ('failure' in opened) return opened.failure;
        return mapEvents({
          ...opened,
          signal: scope.signal,
          onEnd: life.end,
          failureOf: (error) => failureOf(error, log),
        });
      } catch (error) {
        return failureOf(error, log);
      }
    },
  };
}

/** Aborted with the stream too: what a resolver waits for must end when its reader has gone. */
function lifeWithin(signal: AbortSignal) {
  const life = new AbortController();
  return { signal: AbortSignal.any([signal, life.signal]), end: () => life.abort() };
}

interface OpenedSource {
  readonly source: AsyncIterable<unknown>;
  readonly map: (event: unknown) => Promise<FormattedExecutionResult>;
}
type Failure = { readonly failure: FormattedExecutionResult };
type Open = (
  request: GraphQLRequest,
  scope: RequestScope,
  poll: Poll | null,
  log: Log,
) => Promise<OpenedSource | Failure>;

/** Calls the resolver of a subscription. Rejects where it throws what is no GraphQL error. */
function createOpening<C extends OperationScope>(
  { createContext, secret }: EndpointOptions<C>,
  prepare: Prepare,
): Open {
  return async (request, scope, poll, log) => {
    const prepared = prepare('subscribe', request, scope, poll);
    if ('failure' in prepared) return prepared;
    const { args } = prepared;
    const source = await createSourceEventStream(args);
    if (!(Symbol.asyncIterator in source)) return { failure: formatResult(source, log) };
    const viewer = contextViewer(args);
    return {
      source,
      map: async (rootValue) => {
        const contextValue = createContext(operationScope(scope, secret, null, viewer));
        return formatResult(await execute({ ...args, rootValue, contextValue }), log);
      },
    };
  };
}

/**
 * A poll says what was heard, and where the caller has been let in before: it is for the platform's own processes. Everybody else could make up
 * events by it.
 */
async function runPoll(
  open: Open,
  secret: string,
  request: GraphQLRequest,
  scope: RequestScope,
  log: Log,
): Promise<FormattedExecutionResult> {
  if (!isInternal(scope.headers[INTERNAL_HEADER] ?? '', secret))
    throw new CodedError('FORBIDDEN', 'Only the platform itself polls subscriptions.');
  const poll = readPoll(request);
  const life = lifeWithin(scope.signal);
  try {
    const opened = await open(request, { ...scope, signal: life.signal }, poll, log);
    return 'failure' in opened ? opened.failure : await answerPoll({ ...opened, poll });
  } finally {
    life.end();
  }
}

type Prepare = (kind: Kind, request: GraphQLRequest, scope: RequestScope, poll: Poll | null) => Prepared;

function createPreparation<C extends OperationScope>(options: EndpointOptions<C>): Prepare {
  const schema = loadSchema(options);
  const documentOf = createDocumentCache(schema);
  return (kind, request, scope, poll) => {
    const checked = documentOf(request.query);
    if ('errors' in checked) return { failure: { errors: checked.errors.map((error) => error.toJSON()) } };
    const { document } = checked;
    const operationName = request.operationName ?? undefined;
    const operation = getOperationAST(document, operationName);
    if (!operation) return { failure: badRequest('The operation to run is not clear.') };
    if ((operation.operation === 'subscription') !== (kind === 'subscribe'))
      return { failure: badRequest(`A ${operation.operation} is not run this way.`) };
    const contextValue = options.createContext(operationScope(scope, options.secret, poll));
    return {
      args: { schema, document, operationName, variableValues: request.variables ?? {}, contextValue },
    };
  };
}

function loadSchema<C extends OperationScope>({ schemaFile, resolvers }: EndpointOptions<C>): GraphQLSchema {
  const typeDefs = parse(readFileSync(schemaFile, 'utf8'));
  return requireSignIn(
    buildSubgraphSchema([{ typeDefs, resolvers: resolvers as GraphQLResolverMap<unknown> }]),
  );
}

const contextViewer = (args: ExecutionArgs): Viewer | null => (args.contextValue as OperationScope).viewer;

// The header's minute passes while a subscription lives, so its viewer is the one who started it. The gateway ends the
// subscription when the session does.
function operationScope(
  { headers, signal, onStart }: RequestScope,
  secret: string,
  poll: Poll | null,
  started?: Viewer | null,
): OperationScope {
  const header = headers[VIEWER_HEADER];
  return {
    viewer: started === undefined ? (header ? verifyViewer(header, secret) : null) : started,
    correlationId: headers['x-correlation-id'] ?? null,
    client: { ipAddress: headers['x-veza-client-ip'] ?? null, userAgent: headers['user-agent'] ?? null },
    signal,
    poll,
    ...(onStart && { onStart }),
  };
}

function badRequest(message: string): FormattedExecutionResult {
  return { errors: [{ message, extensions: { code: 'BAD_REQUEST' } }] };
}

function formatResult(
  result: ReturnType<typeof execute> extends infer R ? Awaited<R> : never,
  log: Log,
): FormattedExecutionResult {
  if (!result.errors) return result as FormattedExecutionResult;
  return { ...result, errors: result.errors.map((error) => formatError(error, log).toJSON()) };
}

const operationLog = (log: Log, { headers }: RequestScope): Log => {
  const fields = requestFields(headers);
  return fields.correlationId === undefined ? log : log.child(fields);
};

/** For what failed outside every resolver. */
const failureOf = (error: unknown, log: Log): FormattedExecutionResult => ({
  errors: [formatError(locatedError(error, undefined), log).toJSON()],
});

/** Refusals and coded errors are shown, and what GraphQL says about the caller's input; anything else is logged whole and masked. */
export function formatError(error: GraphQLError, log: Log): GraphQLError {
  const cause = error.originalError;
  const at = { nodes: error.nodes, path: error.path, source: error.source, positions: error.positions };
  if (cause instanceof Refusal)
    return new GraphQLError(cause.message, {
      ...at,
      extensions: { code: cause.code, userErrors: cause.errors },
    });
  if (cause instanceof CodedError)
    return new GraphQLError(cause.message, { ...at, extensions: { ...cause.details, code: cause.code } });
  if (isAboutInput(error)) {
    const code = error.extensions['code'] ?? 'BAD_USER_INPUT';
    return new GraphQLError(error.message, { ...at, extensions: { ...error.extensions, code } });
  }
  if (isUnfitValue(cause)) {
    log.warn({ err: cause, path: error.path }, 'the database refused a value');
    const message = 'A value of the request is malformed or out of range.';
    return new GraphQLError(message, { ...at, extensions: { code: 'BAD_USER_INPUT' } });
  }
  log.error({ err: cause, path: error.path }, 'resolver failed');
  return new GraphQLError('Internal server error.', { ...at, extensions: { code: 'INTERNAL_SERVER_ERROR' } });
}

/** PostgreSQL's SQLSTATEs for values that a column cannot take: out of range, not a moment, not UTF-8, not of the type, not for JSON. */
const UNFIT_VALUE = new Set(['22003', '22007', '22008', '22021', '22P02', '22P05']);

// The net below the checks of services: what slips through them is no failure of the server.
const isUnfitValue = (cause: unknown) =>
  cause instanceof Error && 'code' in cause && UNFIT_VALUE.has(String(cause.code));

// GraphQL's own complaints about variables have no path in the result, those about arguments point into the document. What has a path
// alone is a result that does not fit the schema, such as an enum value that it does not know: our fault, not the caller's.
function isAboutInput(error: GraphQLError): boolean {
  const cause = error.originalError;
  if (!cause) return true;
  if (!(cause instanceof GraphQLError)) return false;
  return 'code' in error.extensions || error.path === undefined || cause.nodes !== undefined;
}
