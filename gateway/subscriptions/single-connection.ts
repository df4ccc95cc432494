import type { IncomingMessage } from 'node:http';
import { z } from 'zod';
import { CodedError, ERROR_STATUS } from '#platform/errors.ts';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import type { Identity } from '../auth/auth.ts';
import type { EngineScope } from '../engine/engine.ts';
import type { Callers } from '../http/callers.ts';
import { presentResult } from '../http/errors.ts';
import { sendErrors, type Exchange } from '../http/exchange.ts';
import { readClientRequest } from '../http/persisted-queries.ts';
import { parseJsonText, readJsonText, type RequestLimits } from '../http/request.ts';
import { readSearchParameters } from '../http/search-parameters.ts';
import type { ReservedStreams } from './reserved-streams.ts';
import type { StreamOperation } from './stream-operation.ts';
import { STREAM_TOKEN_HEADER, streamTokenOf } from './stream-token.ts';
import { runStreamed, type StreamedRunOptions } from './streamed-operation.ts';

/** A request that passed everything that comes before its body. */
export interface StreamRequest extends Exchange {
  readonly identity: Identity | null;
  /** Called when nothing is to be done any more but to wait for events. */
  readonly onLive: () => void;
}

/** What goes on after a request was answered. */
export interface Running {
  /** Never rejects. */
  readonly ended: Promise<void>;
}

/** The single-connection mode of the graphql-sse protocol, in which requests start and stop operations whose results share one stream. */
export interface SingleConnection {
  /** Resolves once the request is answered, with the operation that it has started. Rejects with a CodedError where it is refused. */
  answer(request: StreamRequest): Promise<Running | null>;
}

export interface SingleConnectionOptions extends StreamedRunOptions {
  readonly reserved: ReservedStreams;
  readonly callers: Callers;
  readonly limits: RequestLimits;
}

const ALLOWED = 'GET, POST, PUT, DELETE';
const MAX_ID_CHARS = 256;
const operationId = z.string().min(1).max(MAX_ID_CHARS);

export function createSingleConnection(options: SingleConnectionOptions): SingleConnection {
  return {
    async answer(asked) {
      const { method } = asked.request;
      if (method === 'PUT') reserve(asked, options);
      else if (method === 'DELETE') stop(asked, options);
      else if (method === 'GET' && asked.accepts.stream === 'sse') await open(asked, options);
      else if (method === 'GET' || method === 'POST') return operate(asked, options);
      else
        throw new CodedError('METHOD_NOT_ALLOWED', `Event streams answer ${ALLOWED} only.`, {
          allow: ALLOWED,
        });
      return null;
    },
  };
}

function reserve(
  { request, response, identity }: StreamRequest,
  { reserved }: SingleConnectionOptions,
): void {
  const { token } = reserved.reserve(request, identity);
  response.writeHead(201, { 'content-type': 'text/plain; charset=utf-8', 'content-length': token.length });
  response.end(token);
}

function open(
  { request, response, url, identity, onLive }: StreamRequest,
  { reserved }: SingleConnectionOptions,
): Promise<void> {
  const over = reserved.requireToOpen(requireToken({ request, url }), identity).open(response);
  onLive();
  return over;
}

/** What is over already was stopped as well: its client could not know. */
function stop(
  { request, response, url, identity }: StreamRequest,
  { reserved }: SingleConnectionOptions,
): void {
  const stream = reserved.require(requireToken({ request, url }), identity);
  stream.stop(requireId(url.searchParams.get('operationId'), 'the parameter operationId'));
  response.writeHead(200, { 'content-length': 0 }).end();
}

async function operate(asked: StreamRequest, options: SingleConnectionOptions): Promise<Running | null> {
  const { request, response, identity, report } = asked;
  const stream = options.reserved.require(requireToken(asked), identity);
  const { id, operation } = await readOperation(asked, options);
  report.asked(operation);
  const kind = options.engine.operationKind(operation);
  if (kind === 'mutation' && request.method === 'GET')
    throw new CodedError('METHOD_NOT_ALLOWED', 'Mutations are sent with POST.', { allow: 'POST' });
  if (kind === null) return refuse(asked, operation, options);
  if (response.destroyed) return null;
  const begun = stream.begin({ id, report, isSubscription: kind === 'subscription' });
  // Whoever does not learn that it was accepted does not stop it either.
  response.once('close', () => response.writableFinished || begun.end());
  response.writeHead(202, { 'content-length': 0 }).end();
  return { ended: run(asked, operation, begun, options).finally(() => stream.finish(begun)) };
}

async function run(
  asked: StreamRequest,
  operation: GraphQLRequest,
  begun: StreamOperation,
  options: SingleConnectionOptions,
): Promise<void> {
  const scope = scopeOf(asked, begun.over, options);
  const { onLive } = asked;
  try {
    await runStreamed({ operation, scope, transport: 'sse', lastEventId: undefined, onLive }, begun, options);
    await begun.complete();
  } catch (error) {
    await begun.fail(error);
  }
}

/** Nothing is accepted of an operation that is not valid: its request says why. */
async function refuse(
  asked: StreamRequest,
  operation: GraphQLRequest,
  options: SingleConnectionOptions,
): Promise<null> {
  const scope = scopeOf(asked, new AbortController().signal, options);
  const result = presentResult(await options.engine.execute(operation, scope), asked.correlationId);
  asked.report.failed(result.errors);
  sendErrors(asked, result, ERROR_STATUS.BAD_REQUEST);
  return null;
}

const scopeOf = (
  { request, identity, correlationId, report: { traceHeaders } }: StreamRequest,
  signal: AbortSignal,
  { callers }: SingleConnectionOptions,
): EngineScope => callers.scopeOf({ request, identity, correlationId, traceHeaders, signal });

async function readOperation(
  { request, url }: StreamRequest,
  { limits, persisted }: SingleConnectionOptions,
): Promise<{ readonly id: string; readonly operation: GraphQLRequest }> {
  const asked = readClientRequest(
    request.method === 'POST' ? await readJson(request, limits) : readSearchParameters(url),
  );
  if (!asked) throw new CodedError('BAD_REQUEST', 'The request carries no GraphQL operation.');
  const id = requireId(asked.extensions?.['operationId'], 'extensions.operationId');
  return { id, operation: persisted.complete(asked) };
}

async function readJson(request: IncomingMessage, limits: RequestLimits): Promise<unknown> {
  const text = await readJsonText(request, limits);
  // They would be gone with their request, which is answered before they are read.
  if (text === null)
    throw new CodedError(
      'UNSUPPORTED_MEDIA_TYPE',
      'Files are sent with a request that names no event stream.',
    );
  return parseJsonText(text, limits);
}

function requireToken({ request, url }: Pick<StreamRequest, 'request' | 'url'>): string {
  const token = streamTokenOf(request, url);
  if (token === null)
    throw new CodedError(
      'BAD_REQUEST',
      `Name the event stream, with ${STREAM_TOKEN_HEADER} or the parameter token.`,
    );
  return token;
}

function requireId(given: unknown, where: string): string {
  const id = operationId.safeParse(given);
  if (!id.success)
    throw new CodedError(
      'BAD_REQUEST',
      `Name the operation in ${where}, with 1 to ${MAX_ID_CHARS} characters.`,
    );
  return id.data;
}
