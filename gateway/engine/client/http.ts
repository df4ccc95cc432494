import type { FormattedExecutionResult } from 'graphql';
import { DEADLINE_HEADER } from '#platform/deadline.ts';
import { CodedError } from '#platform/errors.ts';
import { PostTimeout, type PostAnswer } from './http1/exchange.ts';
import { Pool } from './http1/pool.ts';
import { createRequestWriter } from './http1/request-bytes.ts';
import { BodyTooLarge } from './http1/response-errors.ts';
import { holdsUploads } from './multipart.ts';
import { bodyRest, type SubgraphAnswer, type SubgraphClient, type SubgraphFetch } from './subgraph-client.ts';
import { createUploader } from './upload.ts';

export interface HttpClientOptions {
  /** Shown in errors. */
  readonly name: string;
  readonly url: string;
  readonly connectTimeoutMs?: number;
  /** From asking, waiting for a connection included, until the answer begins. */
  readonly headersTimeoutMs?: number;
  /** From then on until the whole answer is there. */
  readonly bodyTimeoutMs?: number;
  readonly maxResponseBytes?: number;
  readonly maxConnections?: number;
  /** See PoolSettings. */
  readonly maxPipelined?: number;
  /** Whether answers may be handed on unread to whoever takes them as text: see SubgraphAnswer. */
  readonly passThrough?: boolean;
  /** Answers subscriptions; without it they are refused. */
  readonly subscriptions?: Pick<SubgraphClient, 'subscribe' | 'close'>;
}

const DEFAULTS = {
  connectTimeoutMs: 5_000,
  headersTimeoutMs: 30_000,
  bodyTimeoutMs: 30_000,
  maxResponseBytes: 32 * 1024 * 1024,
  maxConnections: 128,
  maxPipelined: 1,
  passThrough: true,
};

/** GraphQL over HTTP with kept-alive connections. Throws a CodedError for a URL that is none. */
export function createHttpClient(options: HttpClientOptions): SubgraphClient {
  const { name, subscriptions } = options;
  const url = URL.parse(options.url);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CodedError('INTERNAL_SERVER_ERROR', `The subgraph ${name} has no usable URL.`);
  }
  const settings = { ...DEFAULTS, ...options, url };
  const pool = new Pool(settings);
  const uploader = createUploader(settings);
  const write = createRequestWriter(url, { 'content-type': 'application/json', accept: ACCEPT });
  const send = (request: SubgraphFetch): Promise<PostAnswer> => {
    const { variables, signal, operation } = request;
    const headers = headersOf(request);
    if (holdsUploads(variables)) return uploader.upload(request, ACCEPT, headers);
    const bytes = write(headers, operation.bodyPrefix, bodyRest(request));
    return pool.post({ bytes, signal, isRepeatable: operation.kind !== 'mutation' });
  };
  const read = (answer: PostAnswer): SubgraphAnswer => parseResult(answer, name);
  const readText = (answer: PostAnswer) => plainData(answer) ?? read(answer);
  const fail = (error: unknown): never => {
    throw asCodedError(error, name);
  };
  return {
    fetch(request) {
      try {
        return send(request).then(request.asText && settings.passThrough ? readText : read, fail);
      } catch (error) {
        return Promise.reject(asCodedError(error, name));
      }
    },
    subscribe: async (request) => {
      if (subscriptions) return subscriptions.subscribe(request);
      throw new CodedError('SUBGRAPH_UNAVAILABLE', `The subgraph ${name} takes no subscriptions.`);
    },
    close: async () => {
      pool.close();
      await Promise.allSettled([uploader.close(), subscriptions?.close()]);
    },
  };
}

const ACCEPT = 'application/graphql-response+json, application/json;q=0.9';

/** With what is left of the caller's time. */
function headersOf({ headers, endsAtMs }: SubgraphFetch): Readonly<Record<string, string>> {
  if (endsAtMs === undefined) return headers;
  const leftMs = Math.max(1, Math.round(endsAtMs - performance.now()));
  return { ...headers, [DEADLINE_HEADER]: String(leftMs) };
}

/** An answer that needs no reading: an object of data and nothing else, as servers write it. Others that are so are read, which does no harm. */
function plainData({ status, text }: PostAnswer): SubgraphAnswer | null {
  if (status !== 200 || !text.startsWith('{"data":{') || !/\}\}\s?$/.test(text.slice(-3))) return null;
  return text.includes('"errors"') || text.includes('"extensions"') ? null : { text };
}

/** Statuses of a subgraph, or of a proxy before it, that cannot take the request now. */
const OVERLOADED = new Set([429, 502, 503, 504]);

/** A status other than 2xx may still carry a GraphQL answer, by the GraphQL over HTTP specification. */
function parseResult({ text, status, retryAfter }: PostAnswer, name: string): FormattedExecutionResult {
  const value = parseJson(text);
  const isOverloaded = OVERLOADED.has(status);
  // A limit of the caller's own (429) is an answer to be shown; an overload of the subgraph's is not, whatever it says of it.
  if (isResult(value) && (!isOverloaded || status === 429 || 'data' in value)) return value;
  const code = isOverloaded ? 'SUBGRAPH_UNAVAILABLE' : 'SUBGRAPH_ERROR';
  const what = status >= 200 && status < 300 ? 'something that is not GraphQL' : `HTTP status ${status}`;
  const retryAfterMs = isOverloaded ? readRetryAfter(retryAfter) : null;
  const details = retryAfterMs === null ? {} : { retryAfterMs };
  throw new CodedError(code, `The subgraph ${name} answered with ${what}.`, details);
}

/** RFC 9110, 10.2.3: seconds or a date. */
function readRetryAfter(header: string | undefined): number | null {
  if (header === undefined) return null;
  const ms = /^\d+$/.test(header) ? Number(header) * 1_000 : Date.parse(header) - Date.now();
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isResult = (value: unknown): value is FormattedExecutionResult =>
  typeof value === 'object' && value !== null && ('data' in value || 'errors' in value);

function asCodedError(error: unknown, name: string): CodedError {
  if (error instanceof CodedError) return error;
  if (error instanceof PostTimeout) {
    return new CodedError('SUBGRAPH_TIMEOUT', `The subgraph ${name} did not answer in time.`, {}, error);
  }
  if (error instanceof BodyTooLarge)
    return new CodedError('SUBGRAPH_ERROR', `The subgraph ${name} answered with too much data.`);
  return new CodedError('SUBGRAPH_UNAVAILABLE', `The subgraph ${name} could not be reached.`, {}, error);
}
