import type { IncomingMessage, ServerResponse } from 'node:http';
import { z } from 'zod';
import { callerSignal, DEADLINE_HEADER } from './deadline.ts';
import { CodedError } from './errors.ts';
import { healthRoutes, type ReadinessChecks } from './health.ts';
import { listen, plainHeaders, sendJson, type HttpListener, type HttpRoute } from './http.ts';
import type { Log } from './log.ts';
import { metricsRoute, type Metrics } from './metrics.ts';
import { isMultipart, readMultipart } from './multipart.ts';
import { readBody } from './request-body.ts';
import type { SubgraphEndpoint } from './subgraph-endpoint.ts';
import { createSubgraphSocket } from './subgraph-socket.ts';

const MAX_BODY_BYTES = 8 * 1024 * 1024;

export const graphqlRequest = z.object({
  query: z.string(),
  operationName: z.string().nullish(),
  variables: z.record(z.string(), z.unknown()).nullish(),
  extensions: z.record(z.string(), z.unknown()).nullish(),
});

export interface ServeOptions {
  readonly endpoint: SubgraphEndpoint;
  readonly host: string;
  readonly port: number;
  readonly routes?: readonly HttpRoute[];
  readonly checks: ReadinessChecks;
  readonly metrics: Metrics;
  readonly log: Log;
}

/** Serves a subgraph to its gateway: `/graphql` over HTTP and graphql-transport-ws, health and metrics. */
export async function serveSubgraph(options: ServeOptions): Promise<HttpListener> {
  const { endpoint, host, port, routes = [], checks, metrics, log } = options;
  const socket = createSubgraphSocket(endpoint, log);
  const graphql: HttpRoute = {
    methods: ['POST'],
    path: '/graphql',
    handle: (request, response) => answerGraphql(endpoint, request, response),
  };
  const listener = await listen({
    host,
    port,
    log,
    routes: [graphql, ...routes, ...healthRoutes(checks, log), metricsRoute(metrics)],
    upgrades: [{ path: '/graphql', handle: socket.handleUpgrade }],
  });
  return {
    ...listener,
    close: async (graceMs) => {
      await Promise.all([socket.close(graceMs), listener.close(graceMs)]);
    },
  };
}

async function answerGraphql(
  endpoint: SubgraphEndpoint,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const headers = plainHeaders(request);
  const signal = callerSignal(response, headers[DEADLINE_HEADER]);
  const body = isMultipart(request)
    ? await readMultipart(request, response)
    : parseJson(await readBody(request, MAX_BODY_BYTES));
  const parsed = graphqlRequest.safeParse(body);
  if (!parsed.success) throw new CodedError('BAD_REQUEST', 'The body is not a GraphQL request.');
  const result = await endpoint.execute(parsed.data, { headers, signal });
  sendJson(response, 200, result);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new CodedError('BAD_REQUEST', 'The body is not valid JSON.', {}, error);
  }
}
