import type { GraphQLFormattedError } from 'graphql';
import { Gauge } from 'prom-client';
import { ERROR_STATUS } from '#platform/errors.ts';
import type { Metrics } from '#platform/metrics.ts';
import { createTally, type Series } from '#platform/tally.ts';
import { createTimings } from '#platform/timings.ts';

/** What carries the results of one operation in a response that stays open: server-sent events, or parts. */
export type StreamTransport = 'sse' | 'multipart';
export type Transport = 'http' | 'websocket' | StreamTransport;

/** Why a request for a WebSocket was refused: its page is foreign, the gateway is about to end, or it is none that RFC 6455 knows. */
export type SocketRefusal = 'origin' | 'closing' | 'handshake';

export interface GatewayMetrics {
  /** One HTTP request to `/graphql` was answered. */
  answered(method: string, status: number, durationMs: number): void;
  /** One query or mutation ran. */
  operated(transport: Transport): void;
  failed(errors: readonly GraphQLFormattedError[] | undefined): void;
  subscribed(transport: Transport): void;
  unsubscribed(transport: Transport): void;
  delivered(transport: Transport): void;
  /** A client was too slow for one event or several in a row, and does not get them. */
  missed(): void;
  socketRefused(reason: SocketRefusal): void;
  socketOpened(): void;
  socketClosed(code: number): void;
  streamReserved(): void;
  streamEnded(): void;
}

const KNOWN_CODES = new Set(Object.keys(ERROR_STATUS));
const KNOWN_METHODS = new Set(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS']);
const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

/** Registers the gateway's own figures. Label values come from closed lists, so that clients cannot multiply series. */
export function createGatewayMetrics(registry: Metrics | null): GatewayMetrics {
  return registry ? registered(registry) : UNCOUNTED;
}

const nothing = () => undefined;
const UNCOUNTED: GatewayMetrics = {
  answered: nothing,
  operated: nothing,
  failed: nothing,
  subscribed: nothing,
  unsubscribed: nothing,
  delivered: nothing,
  missed: nothing,
  socketRefused: nothing,
  socketOpened: nothing,
  socketClosed: nothing,
  streamReserved: nothing,
  streamEnded: nothing,
};

function registered(registry: Metrics): GatewayMetrics {
  const registers = [registry];
  const tally = <L extends string>(name: string, help: string, ...labelNames: L[]) =>
    createTally(registry, name, help, labelNames);
  const requests = tally('gateway_http_requests_total', 'HTTP requests to /graphql.', 'method', 'status');
  const requestsOf = remembered((key) => {
    const [method = '', status = ''] = key.split(' ');
    return requests({ method, status });
  });
  const byTransport = (name: string, help: string) => transports(tally(name, help, 'transport'));
  const operations = byTransport('gateway_operations_total', 'Queries and mutations executed.');
  const delivered = byTransport('gateway_events_delivered_total', 'Subscription events sent.');
  const missed = tally('gateway_slow_consumers_total', 'Times a client was too slow for its events.')({});
  const errors = tally('gateway_errors_total', 'Errors in answers, by code.', 'code');
  const errorsOf = remembered((code) => errors({ code }));
  const subscriptions = new Gauge({
    name: 'gateway_active_subscriptions',
    help: 'Subscriptions being served.',
    labelNames: ['transport'],
    registers,
  });
  const latency = createTimings(registry, {
    name: 'gateway_http_request_duration_seconds',
    help: 'Time from an HTTP request to its answer, event streams apart.',
    bucketsS: LATENCY_BUCKETS_S,
  })({});
  return {
    answered(method, status, durationMs) {
      requestsOf(`${KNOWN_METHODS.has(method) ? method : 'OTHER'} ${status}`).count += 1;
      latency.took(durationMs);
    },
    operated: (transport) => void (operations[transport].count += 1),
    failed: (list = []) => {
      for (const { extensions } of list) errorsOf(knownCode(extensions?.['code'])).count += 1;
    },
    subscribed: (transport) => subscriptions.inc({ transport }),
    unsubscribed: (transport) => subscriptions.dec({ transport }),
    delivered: (transport) => void (delivered[transport].count += 1),
    missed: () => void (missed.count += 1),
    ...connections(registry),
  };
}

function connections(
  registry: Metrics,
): Pick<
  GatewayMetrics,
  'socketRefused' | 'socketOpened' | 'socketClosed' | 'streamReserved' | 'streamEnded'
> {
  const registers = [registry];
  const refused = createTally(registry, 'gateway_socket_refusals_total', 'WebSockets refused, by reason.', [
    'reason',
  ]);
  const refusals = {
    origin: refused({ reason: 'origin' }),
    closing: refused({ reason: 'closing' }),
    handshake: refused({ reason: 'handshake' }),
  };
  const closed = createTally(registry, 'gateway_socket_closes_total', 'WebSockets closed, by close code.', [
    'code',
  ]);
  const closedBy = remembered((code) => closed({ code }));
  const sockets = new Gauge({ name: 'gateway_open_sockets', help: 'Open WebSockets.', registers });
  const streams = new Gauge({
    name: 'gateway_reserved_streams',
    help: 'Event streams of the single-connection mode, opened or not.',
    registers,
  });
  return {
    socketRefused: (reason) => void (refusals[reason].count += 1),
    socketOpened: () => sockets.inc(),
    socketClosed(code) {
      sockets.dec();
      // Clients choose codes of their own; the gateway's and the standard ones are few.
      closedBy(code < 1_016 || (code >= 4_400 && code <= 4_510) ? `${code}` : 'OTHER').count += 1;
    },
    streamReserved: () => streams.inc(),
    streamEnded: () => streams.dec(),
  };
}

const transports = (of: (labels: { transport: Transport }) => Series): Record<Transport, Series> => ({
  http: of({ transport: 'http' }),
  websocket: of({ transport: 'websocket' }),
  sse: of({ transport: 'sse' }),
  multipart: of({ transport: 'multipart' }),
});

/** Keys come from closed lists. */
function remembered(create: (key: string) => Series): (key: string) => Series {
  const known = new Map<string, Series>();
  return (key) => {
    let series = known.get(key);
    if (!series) known.set(key, (series = create(key)));
    return series;
  };
}

/** A code of the closed list, else `OTHER`. */
export const knownCode = (code: unknown) =>
  typeof code === 'string' && KNOWN_CODES.has(code) ? code : 'OTHER';
