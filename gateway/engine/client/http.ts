import { Pool } from 'undici';
import type { FormattedExecutionResult } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import { holdsUploads, multipartRequest, uploadsIn } from './multipart.ts';
import { post, PostTimeout, type PostAnswer } from './post.ts';
import { bodyText, type SubgraphClient, type SubgraphFetch } from './subgraph-client.ts';

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
  /** Answers subscriptions; without it they are refused. */
  readonly subscriptions?: Pick<SubgraphClient, 'subscribe' | 'close'>;
}

const DEFAULTS = {
  connectTimeoutMs: 5_000,
  headersTimeoutMs: 30_000,
  bodyTimeoutMs: 30_000,
  maxResponseBytes: 32 * 1024 * 1024,
  maxConnections: 128,
};

/** GraphQL over HTTP with kept-alive connections. Throws a CodedError for a URL that is none. */
export function createHttpClient(options: HttpClientOptions): SubgraphClient {
  const { name, subscriptions } = options;
  const url = URL.parse(options.url);
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new CodedError('INTERNAL_SERVER_ERROR', `The subgraph ${name} has no usable URL.`);
  }
  const settings = { ...DEFAULTS, ...options };
  const pool = new Pool(url.origin, {
    connections: settings.maxConnections,
    pipelining: 1,
    connect: { timeout: settings.connectTimeoutMs },
    // Those of each exchange limit both.
    headersTimeout: 0,
    bodyTimeout: 0,
  });
  const path = url.pathname + url.search;
  return {
    fetch: (request) => exchange(pool, path, settings, request),
    subscribe: async (request) => {
      if (subscriptions) return subscriptions.subscribe(request);
      throw new CodedError('SUBGRAPH_UNAVAILABLE', `The subgraph ${name} takes no subscriptions.`);
    },
    close: async () => {
      await Promise.allSettled([pool.close(), subscriptions?.close()]);
    },
  };
}

type Settings = typeof DEFAULTS & Pick<HttpClientOptions, 'name'>;

async function exchange(
  pool: Pool,
  path: string,
  settings: Settings,
  request: SubgraphFetch,
): Promise<FormattedExecutionResult> {
  const { signal } = request;
  try {
    const prepared = payload(request);
    const { headers: own, body } = prepared instanceof Promise ? await prepared : prepared;
    const headers = headerList(request.headers, own);
    return parseResult(await post(pool, { path, headers, body, signal }, settings), settings.name);
  } catch (error) {
    throw asCodedError(error, settings.name);
  }
}

const ACCEPT = 'application/graphql-response+json, application/json;q=0.9';

const JSON_HEADERS = { 'content-type': 'application/json', accept: ACCEPT };

function payload(request: SubgraphFetch) {
  return holdsUploads(request.variables)
    ? withUploads(request)
    : { headers: JSON_HEADERS, body: bodyText(request) };
}

const withUploads = async (request: SubgraphFetch) =>
  multipartRequest(request, await uploadsIn(request.variables), ACCEPT);

/** As names and values in turn, which undici takes as they are. `own` go before those of the request. */
function headerList(
  given: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): string[] {
  const list: string[] = [];
  for (const name of Object.keys(given)) if (!Object.hasOwn(own, name)) list.push(name, given[name] ?? '');
  for (const name of Object.keys(own)) list.push(name, own[name] ?? '');
  return list;
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
function readRetryAfter(header: string | string[] | undefined): number | null {
  if (typeof header !== 'string') return null;
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
  return new CodedError('SUBGRAPH_UNAVAILABLE', `The subgraph ${name} could not be reached.`, {}, error);
}
