import type { IncomingMessage, ServerResponse } from 'node:http';
import { HeaderMap, type ApolloServer } from '@apollo/server';
import { CodedError } from '#platform/errors.ts';
import { plainHeaders, type HttpRoute } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import type { GatewayAuth, Identity } from '../auth/auth.ts';
import type { FrontScope } from '../engine/apollo-gateway.ts';
import type { Engine, EngineScope, IncrementalResult, SubsequentResult } from '../engine/engine.ts';
import type { FastPath } from '../fast-path/fast-path.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { EventStreams } from '../subscriptions/event-stream.ts';
import type { Running, SingleConnection } from '../subscriptions/single-connection.ts';
import { isStreamed, sendStreamHead } from '../subscriptions/stream-encodings.ts';
import type { StreamedOperation } from '../subscriptions/streamed-answer.ts';
import { isStreamRequest } from '../subscriptions/stream-token.ts';
import { currentReport, type Arrival, type RequestReport, type Telemetry } from '../telemetry/report.ts';
import type { ClientLimits } from '../traffic/client-limits.ts';
import type { Enter } from '../traffic/load-shedding.ts';
import type { Callers } from './callers.ts';
import { CORRELATION_HEADER, correlationIdOf } from './correlation.ts';
import type { Cors } from './cors.ts';
import { PREFLIGHT_HEADERS, refuseForgery } from './csrf.ts';
import type { Compression } from './compression.ts';
import { presentSubsequent } from './errors.ts';
import { sendFailure, sendResult, setHead, writeHead, type Exchange } from './exchange.ts';
import { JSON_TYPE, readAccept, type Acceptance, type ResponseType } from './media-types.ts';
import { sendMultipart } from './multipart-response.ts';
import { readClientRequest, type PersistedQueries } from './persisted-queries.ts';
import { parseJsonText, readJsonText, readUploads, type RequestLimits } from './request.ts';
import { readSearchParameters, searchOf } from './search-parameters.ts';

export interface GraphqlRouteOptions {
  readonly auth: GatewayAuth | null;
  readonly engine: Engine;
  readonly server: ApolloServer<EngineScope>;
  /** Null: Apollo Server answers everything. */
  readonly fastPath: FastPath | null;
  readonly callers: Callers;
  readonly cors: Cors;
  readonly streams: EventStreams;
  readonly singleConnection: SingleConnection;
  readonly clients: ClientLimits;
  readonly enter: Enter;
  readonly persisted: PersistedQueries;
  readonly limits: RequestLimits;
  readonly compression: Compression;
  readonly metrics: GatewayMetrics;
  readonly telemetry: Telemetry;
  readonly log: Log;
}

/**
 * `/graphql` by the GraphQL-over-HTTP specification. A request passes, in this order: CORS, limit of its address, load shedding,
 * authentication, limit of its user, content negotiation, forgery check, body, operation; nothing of a later stage is looked at before an
 * earlier one has passed.
 */
export function graphqlRoute(options: GraphqlRouteOptions): HttpRoute {
  return {
    methods: ['GET', 'POST', 'PUT', 'DELETE', 'OPTIONS'],
    path: '/graphql',
    async handle(request, response, url) {
      const startedAtMs = performance.now();
      const correlationId = correlationIdOf(request.headers[CORRELATION_HEADER]);
      const head = [
        CORRELATION_HEADER,
        correlationId,
        'cache-control',
        'no-store',
        ...options.cors.headersFor(request),
      ];
      if (request.method === 'OPTIONS') {
        setHead(response, head);
        return options.cors.preflight(request, response);
      }
      const accepts = readAccept(request.headers.accept);
      const report = options.telemetry.begin(arrivalOf(request, correlationId));
      const exchange = { request, response, url, head, correlationId, report, accepts };
      let running: Running | null = null;
      try {
        running = await answerInTurn(exchange, options);
      } catch (error) {
        sendFailure(exchange, error, options.log);
      }
      const durationMs = performance.now() - startedAtMs;
      if (!isStreamed(response))
        options.metrics.answered(request.method ?? '', response.statusCode, durationMs);
      if (running) await running.ended;
      report.end(response.statusCode);
    },
  };
}

const arrivalOf = ({ headers, method }: IncomingMessage, correlationId: string): Arrival => ({
  transport: 'http',
  correlationId,
  trace: { traceparent: headers['traceparent'], tracestate: headers['tracestate'] },
  method,
});

async function answerInTurn(exchange: Exchange, options: GraphqlRouteOptions): Promise<Running | null> {
  options.clients.ofAddress(exchange.request).request();
  const leave = await options.enter(exchange.report, () => goneSignal(exchange.response));
  let running: Running | null = null;
  try {
    running = await answer(exchange, options, leave);
    return running;
  } finally {
    if (running) void running.ended.then(leave);
    else leave();
  }
}

function goneSignal(response: ServerResponse): AbortSignal {
  const gone = new AbortController();
  // An abort costs an error with its stack: none after every answer.
  response.once('close', () => response.writableFinished || gone.abort());
  return gone.signal;
}

async function answer(
  exchange: Exchange,
  options: GraphqlRouteOptions,
  onLive: () => void,
): Promise<Running | null> {
  const { request, response, url, head, accepts } = exchange;
  const { callers, cors, clients, singleConnection } = options;
  const identity = await callers.identify(request.headers.authorization);
  clients.ofIdentity(identity).request();
  const isOfStream = isStreamRequest(request, url);
  if (!isOfStream) requireReadable(accepts);
  refuseForgery(request, cors);
  if (isOfStream) {
    setHead(response, head);
    return singleConnection.answer({ ...exchange, identity, onLive });
  }
  await answerAlone(exchange, identity, options, onLive);
  return null;
}

function requireReadable(accepts: Acceptance): void {
  if (!accepts.json && !accepts.stream && !accepts.multipart)
    throw new CodedError(
      'NOT_ACCEPTABLE',
      'Answers come as application/graphql-response+json, application/json, text/event-stream, or multipart/mixed with deferSpec=20220824 or subscriptionSpec=1.0.',
    );
}

/** A request that is answered by itself. */
async function answerAlone(
  exchange: Exchange,
  identity: Identity | null,
  options: GraphqlRouteOptions,
  onLive: () => void,
): Promise<void> {
  const { request, response, head, correlationId, report, accepts } = exchange;
  const { auth, callers, limits } = options;
  const text = request.method === 'POST' ? await readJsonText(request, limits) : null;
  // A body takes as long as its client likes, and who was known when it began may be nobody by now.
  const requireCurrent = () => identity && auth?.requireCurrent(identity);
  requireCurrent();
  if (text !== null && (await answerFast(exchange, identity, text, options))) return;
  setHead(response, head);
  const body = text === null ? await readFiles(exchange, limits) : parseJsonText(text, limits);
  requireCurrent();

  const gone = new AbortController();
  // An abort costs an error with its stack: none after every answer. A stream is aborted however it ends.
  response.once('close', () => (response.writableFinished && !accepts.stream) || gone.abort());
  const { traceHeaders } = report;
  const scope = callers.scopeOf({ request, identity, correlationId, traceHeaders, signal: gone.signal });
  const { stream: transport } = accepts;
  const operation = transport && streamedOperation(exchange, body, options);
  if (operation) return serveStream(options, { ...exchange, transport, operation, scope, identity, onLive });
  if (accepts.multipart && identity && !response.destroyed) cutWithSession(response, identity, options);
  await answerOperation(exchange, accepts.json ?? JSON_TYPE, body, scope, options);
}

/** An answer in parts that its session does not outlive. */
function cutWithSession(response: ServerResponse, { viewer }: Identity, { auth }: GraphqlRouteOptions): void {
  const stop = auth?.onRevoked((sessionId) => {
    if (sessionId === viewer.sessionId && response.headersSent) response.destroy();
  });
  if (stop) response.once('close', stop);
}

async function serveStream(
  { clients, streams }: GraphqlRouteOptions,
  operation: StreamedOperation,
): Promise<void> {
  if (operation.request.method === 'HEAD') return sendStreamHead(operation.response, operation.transport);
  const closes = [clients.ofAddress(operation.request).open()];
  try {
    closes.push(clients.ofIdentity(operation.identity).open());
    await streams.serve(operation);
  } finally {
    for (const close of closes) close();
  }
}

function answerFast(
  exchange: Exchange,
  identity: Identity | null,
  text: string,
  { fastPath }: GraphqlRouteOptions,
): Promise<boolean> | false {
  const { json: accept, stream, multipart } = exchange.accepts;
  if (!fastPath || !accept || stream || multipart) return false;
  exchange.report.asked(text);
  const { traceHeaders } = exchange.report;
  return fastPath.answer({ ...exchange, identity, traceHeaders, accept, text });
}

const readFiles = ({ request, response }: Exchange, limits: RequestLimits) =>
  request.method === 'POST' ? readUploads(request, response, limits) : undefined;

/**
 * The operation, where it is to be answered as a stream: always if the client reads nothing but server-sent events, else subscriptions only,
 * since Apollo's protocol has no form for other answers.
 */
function streamedOperation(
  { request, url, accepts }: Exchange,
  body: unknown,
  { engine, persisted }: Pick<GraphqlRouteOptions, 'engine' | 'persisted'>,
): GraphQLRequest | null {
  const asked = readClientRequest(body ?? readSearchParameters(url));
  const onlySubscriptions = accepts.json !== null || accepts.stream !== 'sse';
  if (!asked) {
    if (onlySubscriptions) return null;
    throw new CodedError('BAD_REQUEST', 'The request carries no GraphQL operation.');
  }
  const operation = completed(asked, persisted);
  const kind = engine.operationKind(operation);
  if (onlySubscriptions && kind !== 'subscription') return null;
  if (request.method !== 'POST' && kind === 'mutation')
    throw new CodedError('METHOD_NOT_ALLOWED', 'Mutations are sent with POST.', { allow: 'POST' });
  return operation;
}

/** As it is where that fails: whoever answers it says why. */
function completed(asked: GraphQLRequest, persisted: PersistedQueries): GraphQLRequest {
  try {
    return persisted.complete(asked);
  } catch {
    return asked;
  }
}

async function answerOperation(
  { request, response, url, report, accepts }: Exchange,
  accept: ResponseType,
  body: unknown,
  scope: EngineScope,
  { server, compression }: GraphqlRouteOptions,
): Promise<void> {
  if (accepts.multipart && !accepts.json && Array.isArray(body))
    throw new CodedError('NOT_ACCEPTABLE', 'A batch is answered as JSON.');
  let subsequent: IncrementalResult['subsequent'] | null = null;
  const takeParts: FrontScope['takeParts'] = (parts) => void (subsequent = parts);
  const context: FrontScope = accepts.multipart ? { ...scope, takeParts } : scope;
  const headers = shownHeaders(request, accept, body !== undefined);
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? 'GET');
  const result = await currentReport.run(report, () =>
    server.executeHTTPGraphQLRequest({
      httpGraphQLRequest: { method, headers, search: searchOf(url), body },
      context: async () => context,
    }),
  );
  const parts = subsequent && presented(subsequent, report);
  if (result.body.kind !== 'complete' || (!parts && (accepts.json || !accepts.multipart)))
    return sendResult(request, response, result, compression);
  writeHead(response, result);
  await sendMultipart(response, result.body.string, parts);
}

/** What Apollo Server sees: types were negotiated and forgery ruled out before, by stricter rules than its own, and are not looked at again. */
function shownHeaders(request: IncomingMessage, accept: ResponseType, isBodyRead: boolean): HeaderMap {
  const headers = new HeaderMap(Object.entries(plainHeaders(request)));
  headers.set('accept', accept);
  headers.set(PREFLIGHT_HEADERS[0] ?? '', 'checked');
  if (isBodyRead) headers.delete('content-type');
  return headers;
}

async function* presented(
  subsequent: IncrementalResult['subsequent'],
  report: RequestReport,
): AsyncGenerator<SubsequentResult, void, void> {
  for await (const result of subsequent) yield presentSubsequent(result, report);
}
