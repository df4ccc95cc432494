import type { IncomingMessage, ServerResponse } from 'node:http';
import type { HTTPGraphQLResponse } from '@apollo/server';
import type { FormattedExecutionResult } from 'graphql';
import { CodedError, ERROR_STATUS } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { RequestReport } from '../telemetry/report.ts';
import type { Compression } from './compression.ts';
import { failedResult } from './errors.ts';
import { CONTENT_TYPES, JSON_TYPE, type Acceptance } from './media-types.ts';

/** One request to `/graphql` and its answer. */
export interface Exchange {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly url: URL;
  /** Headers of every answer, names and values in turn. */
  readonly head: readonly string[];
  readonly correlationId: string;
  readonly report: RequestReport;
  readonly accepts: Acceptance;
}

/** For whatever is answered with headers one by one: a head that is written at once costs less. */
export function setHead(response: ServerResponse, head: readonly string[]): void {
  for (let at = 0; at < head.length; at += 2) response.setHeader(head[at] ?? '', head[at + 1] ?? '');
}

export function writeHead(response: ServerResponse, { status, headers }: HTTPGraphQLResponse): void {
  for (const [name, value] of headers) response.setHeader(name, value);
  // Apollo Server knows the length of its own text only.
  response.removeHeader('content-length');
  response.statusCode = status ?? 200;
}

/** Sends what Apollo Server has made of an operation. */
export async function sendResult(
  request: IncomingMessage,
  response: ServerResponse,
  result: HTTPGraphQLResponse,
  compression: Compression,
): Promise<void> {
  const { body } = result;
  writeHead(response, result);
  if (body.kind === 'complete') {
    const bytes = Buffer.byteLength(body.string);
    const coding = compression.codingFor(request, bytes);
    if (coding) return compression.send(response, body.string, coding);
    response.setHeader('content-length', bytes);
    return endWithText(response, body.string, bytes);
  }
  for await (const chunk of body.asyncIterator) response.write(chunk);
  response.end();
}

/** Ends a response of which the head is set. ASCII is written as it stands, which costs less than encoding it. */
export function endWithText(response: ServerResponse, text: string, bytes: number): void {
  response.end(text, bytes === text.length ? 'latin1' : 'utf8');
}

/** Answers a request that failed before, or outside of, its operation. One that has begun to be answered is cut off. */
export function sendFailure(exchange: Exchange, error: unknown, log: Log): void {
  const { response, correlationId, report } = exchange;
  // Nobody is left to answer, and what a client does to its connection is no failure of ours.
  if (response.destroyed) return log.debug({ err: error }, 'the client went away');
  const result = failedResult(error, correlationId, log);
  report.failed(result.errors);
  if (response.headersSent) return void response.destroy();
  setHead(response, exchange.head);
  const code = error instanceof CodedError ? error.code : 'INTERNAL_SERVER_ERROR';
  if (code === 'UNAUTHENTICATED') response.setHeader('www-authenticate', 'Bearer error="invalid_token"');
  if (code === 'METHOD_NOT_ALLOWED') response.setHeader('allow', detailOf(error, 'allow') ?? 'POST');
  const acceptEncoding = detailOf(error, 'acceptEncoding');
  if (acceptEncoding !== null) response.setHeader('accept-encoding', acceptEncoding);
  if (code === 'SERVICE_UNAVAILABLE' || code === 'RATE_LIMITED')
    response.setHeader('retry-after', retryAfterS(error));
  // What is left of its body could otherwise still arrive, and be taken for the next request.
  if (code === 'REQUEST_TIMEOUT') response.setHeader('connection', 'close');
  sendErrors(exchange, result, ERROR_STATUS[code]);
}

/** Sends a result without data. */
export function sendErrors(
  { response, accepts }: Exchange,
  result: FormattedExecutionResult,
  status: number,
): void {
  const text = JSON.stringify(result);
  response.writeHead(status, {
    'content-type': CONTENT_TYPES[accepts.json ?? JSON_TYPE],
    'content-length': Buffer.byteLength(text),
  });
  response.end(text);
}

function detailOf(error: unknown, name: string): string | null {
  const detail = error instanceof CodedError ? error.details[name] : undefined;
  return typeof detail === 'string' ? detail : null;
}

/** Where nobody can know when it is over. */
const RETRY_AFTER_S = 5;

function retryAfterS(error: unknown): number {
  const ms = error instanceof CodedError ? error.details['retryAfterMs'] : undefined;
  return typeof ms === 'number' ? Math.max(1, Math.ceil(ms / 1_000)) : RETRY_AFTER_S;
}
