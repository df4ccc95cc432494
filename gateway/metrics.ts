import type { GraphQLFormattedError } from 'graphql';
import { Counter, Gauge, Histogram } from 'prom-client';
import { ERROR_STATUS } from '#platform/errors.ts';
import type { Metrics } from '#platform/metrics.ts';

export type Transport = 'http' | 'websocket' | 'sse';

export interface GatewayMetrics {
  /** One HTTP request to `/graphql` was answered. */
  answered(method: string, status: number, durationMs: number): void;
  /** One query or mutation ran. */
  operated(transport: Transport): void;
  failed(errors: readonly GraphQLFormattedError[] | undefined): void;
  subscribed(transport: Transport): void;
  unsubscribed(transport: Transport): void;
  delivered(transport: Transport): void;
  socketOpened(): void;
  socketClosed(code: number): void;
}

const KNOWN_CODES = new Set([...Object.keys(ERROR_STATUS), 'PERSISTED_QUERY_NOT_FOUND']);
const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'OPTIONS']);
const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Registers the gateway's own figures. Label values come from closed lists, so that clients cannot multiply series. */
export function createGatewayMetrics(registry: Metrics): GatewayMetrics {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames, registers });
  const requests = counter('gateway_http_requests_total', 'HTTP requests to /graphql.', ['method', 'status']);
  const operations = counter('gateway_operations_total', 'Queries and mutations executed.', ['transport']);
  const errors = counter('gateway_errors_total', 'Errors in answers, by code.', ['code']);
  const delivered = counter('gateway_events_delivered_total', 'Subscription events sent.', ['transport']);
  const closed = counter('gateway_socket_closes_total', 'WebSockets closed, by close code.', ['code']);
  const sockets = new Gauge({ name: 'gateway_open_sockets', help: 'Open WebSockets.', registers });
  const subscriptions = new Gauge({
    name: 'gateway_active_subscriptions',
    help: 'Subscriptions being served.',
    labelNames: ['transport'],
    registers,
  });
  const latency = new Histogram({
    name: 'gateway_http_request_duration_seconds',
    help: 'Time from an HTTP request to its answer, event streams apart.',
    buckets: LATENCY_BUCKETS_S,
    registers,
  });
  // Looking a series up by its labels costs more than counting.
  const bySeries = new Map<string, { inc(): void }>();
  const requestsOf = (method: string, status: number) => {
    const key = `${method} ${status}`;
    let series = bySeries.get(key);
    if (!series) bySeries.set(key, (series = requests.labels({ method, status })));
    return series;
  };
  return {
    answered(method, status, durationMs) {
      requestsOf(KNOWN_METHODS.has(method) ? method : 'OTHER', status).inc();
      latency.observe(durationMs / 1_000);
    },
    operated: (transport) => operations.inc({ transport }),
    failed: (list = []) => {
      for (const { extensions } of list) errors.inc({ code: knownCode(extensions?.['code']) });
    },
    subscribed: (transport) => subscriptions.inc({ transport }),
    unsubscribed: (transport) => subscriptions.dec({ transport }),
    delivered: (transport) => delivered.inc({ transport }),
    socketOpened: () => sockets.inc(),
    socketClosed(code) {
      sockets.dec();
      // Clients choose codes of their own; the gateway's and the standard ones are few.
      closed.inc({ code: code < 1_016 || (code >= 4_400 && code <= 4_510) ? code : 'OTHER' });
    },
  };
}

/** A code of the closed list, else `OTHER`. */
export const knownCode = (code: unknown) =>
  typeof code === 'string' && KNOWN_CODES.has(code) ? code : 'OTHER';
