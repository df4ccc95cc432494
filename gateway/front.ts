import type { ApolloServerPlugin } from '@apollo/server';
import type { GatewayInterface } from '@apollo/server-gateway-interface';
import { CodedError } from '#platform/errors.ts';
import { healthRoutes, type ReadinessChecks } from '#platform/health.ts';
import type { HttpRoute, UpgradeRoute } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import { createMetrics, metricsRoute, type Metrics, type MetricsText } from '#platform/metrics.ts';
import type { GatewayAuth } from './auth/auth.ts';
import type { EngineGateway } from './engine/apollo-gateway.ts';
import type { Engine, EngineScope } from './engine/engine.ts';
import { createFastPath, type FastPath, type FastPathOptions } from './fast-path/fast-path.ts';
import { explorerRoute, type ExplorerOptions } from './explorer/explorer.ts';
import { createCallers } from './http/callers.ts';
import { COMPRESSION, createCompression, type CompressionOptions } from './http/compression.ts';
import { createCors } from './http/cors.ts';
import { startFrontServer } from './http/front-server.ts';
import { graphqlRoute } from './http/graphql-route.ts';
import { createPersistedQueries } from './http/persisted-queries.ts';
import { REQUEST_LIMITS, type RequestLimits } from './http/request.ts';
import { createGatewayMetrics } from './metrics.ts';
import { createEventStreams } from './subscriptions/event-stream.ts';
import type { ReservedStreamLimits } from './subscriptions/reserved-stream.ts';
import { ReservedStreams } from './subscriptions/reserved-streams.ts';
import { createSingleConnection } from './subscriptions/single-connection.ts';
import { SOCKET_LIMITS, type SocketLimits } from './subscriptions/socket-limits.ts';
import { STREAM_LIMITS, type StreamLimits } from './subscriptions/streamed-answer.ts';
import { createSocketServer } from './subscriptions/websocket.ts';
import { createTelemetry, type TelemetryOptions } from './telemetry/report.ts';
import { createClientLimits, type ClientLimitsOptions } from './traffic/client-limits.ts';
import { IDENTIFYING_HEADERS } from './traffic/identifying-headers.ts';
import { enterAlways, type LoadShedding } from './traffic/load-shedding.ts';

export interface FrontSettings extends Pick<TelemetryOptions, 'tracing' | 'logRequests'> {
  /** Null: tokens are not verified but forwarded. */
  readonly auth: GatewayAuth | null;
  readonly log: Log;
  /** Null: nothing is counted, and `/metrics` is empty. */
  readonly metrics: Metrics | null;
  /** What `/metrics` shows; default: `metrics`. */
  readonly metricsText?: MetricsText;
  /** Origins whose pages may call, besides the gateway's own; `*` for all. */
  readonly corsOrigins?: readonly string[];
  /** Further client headers that subgraphs get, in lower case. */
  readonly forwardHeaders?: readonly string[];
  /** The caller's address is the last one of X-Forwarded-For. */
  readonly trustProxy?: boolean;
  readonly requestLimits?: Partial<RequestLimits>;
  readonly socketLimits?: Partial<SocketLimits>;
  readonly streamLimits?: Partial<StreamLimits>;
  /** What tokens of reserved event streams begin with; default: nothing. */
  readonly streamTokenPrefix?: string;
  /** Of answers to clients that ask for it; default: on. */
  readonly compression?: CompressionOptions;
  /** What one client may take. Unset: as much as it asks for. */
  readonly clientLimits?: Omit<ClientLimitsOptions, 'trustProxy'>;
  /** Unset: every operation is accepted. */
  readonly shedding?: LoadShedding;
  /** Null: no explorer page. */
  readonly explorer?: ExplorerOptions | null;
  /** What must work besides the gateway itself for `/health/ready`. */
  readonly checks?: ReadinessChecks;
  /** Plugins see every operation: with any, everything goes through Apollo Server. */
  readonly plugins?: readonly ApolloServerPlugin<EngineScope>[];
  /** False: everything goes through Apollo Server. Answers are the same either way. Default: true. */
  readonly fastPath?: boolean;
  /** False: every query runs by itself, also where an equal one is under way. Default: true. */
  readonly sharing?: boolean;
  /** Headers, in lower case, that change no answer: queries under way that differ in these only are run once. */
  readonly ignoredHeaders?: readonly string[];
}

export interface Front {
  /** `/graphql`, `/` (the explorer), `/health/*` and `/metrics`. */
  readonly routes: readonly HttpRoute[];
  readonly upgrades: readonly UpgradeRoute[];
  /** First step of an orderly end: not ready any more, sockets and streams closed over `spreadMs`. HTTP requests are still answered. */
  drain(spreadMs: number): Promise<void>;
  /** Last step, once the listener is closed. */
  close(): Promise<void>;
}

type FrontGateway = GatewayInterface & Partial<Pick<EngineGateway, 'shortcut'>>;

/** Everything between a listener and an engine. Rejects where Apollo Server cannot load the schema. */
export async function createFront(
  engine: Engine,
  gateway: FrontGateway,
  settings: FrontSettings,
): Promise<Front> {
  const { auth, log, forwardHeaders = [], trustProxy = false } = settings;
  const metrics = createGatewayMetrics(settings.metrics);
  const telemetry = createTelemetry({ ...settings, metrics });
  const persisted = createPersistedQueries(engine);
  const plugins = pluginsOf(gateway, settings);
  const server = await startFrontServer({ gateway, log, metrics, persisted, plugins });
  const callers = createCallers({ auth, forwardHeaders, trustProxy });
  const shared = { engine, ...gatesOf(settings), callers, persisted, metrics, telemetry, log };
  const streams = createEventStreams({ ...shared, limits: settings.streamLimits });
  const reserved = new ReservedStreams({
    ...{ ...shared, limits: reservedStreamLimits(settings) },
    tokenPrefix: settings.streamTokenPrefix,
  });
  const sockets = createSocketServer({ ...shared, limits: settings.socketLimits });
  const open = [streams, reserved, sockets];
  const unwatch = auth?.onRevoked((sessionId) => {
    for (const one of open) one.endSession(sessionId);
  });
  const fastPath = fastPathOf(settings, shared);
  const limits = { ...REQUEST_LIMITS, ...settings.requestLimits };
  const singleConnection = createSingleConnection({ ...shared, reserved, limits });
  const { explorer = DEFAULT_EXPLORER } = settings;
  let isDraining = false;
  return {
    routes: [
      graphqlRoute({ ...shared, auth, server, fastPath, streams, singleConnection, limits }),
      ...(explorer ? [explorerRoute(explorer)] : []),
      ...healthRoutes(
        readiness(settings, () => isDraining),
        log,
      ),
      metricsRoute(settings.metricsText ?? settings.metrics ?? NO_METRICS),
    ],
    upgrades: [settings.shedding?.upgrade(sockets.upgrade) ?? sockets.upgrade],
    async drain(spreadMs) {
      isDraining = true;
      unwatch?.();
      await Promise.all(open.map((one) => one.close(spreadMs)));
    },
    async close() {
      telemetry.close();
      await server.stop();
    },
  };
}

/** Plugins of somebody else's may want to follow the execution. */
const pluginsOf = ({ shortcut }: FrontGateway, { plugins = [] }: FrontSettings) =>
  shortcut && plugins.length === 0 ? [shortcut] : plugins;

/** What a client passes before and after its operation. */
function gatesOf({
  shedding,
  clientLimits,
  corsOrigins = [],
  trustProxy = false,
  compression = COMPRESSION,
}: FrontSettings) {
  return {
    clients: createClientLimits({ ...clientLimits, trustProxy }),
    cors: createCors(corsOrigins),
    enter: shedding?.enter ?? enterAlways,
    compression: createCompression(compression),
  };
}

/** What holds for a socket holds for a stream that operations share. */
function reservedStreamLimits({ socketLimits, streamLimits }: FrontSettings): ReservedStreamLimits {
  const { initTimeoutMs, maxOperations, idleMs } = { idleMs: undefined, ...SOCKET_LIMITS, ...socketLimits };
  const { heartbeatMs, stallMs } = { ...STREAM_LIMITS, ...streamLimits };
  return { openTimeoutMs: initTimeoutMs, maxOperations, idleMs, heartbeatMs: heartbeatMs.sse, stallMs };
}

function readiness({ checks, auth }: FrontSettings, isDraining: () => boolean): ReadinessChecks {
  return {
    ...checks,
    gateway: async () => {
      if (isDraining()) throw new CodedError('SERVICE_UNAVAILABLE', 'shutting down');
    },
    ...(auth && { keys: () => auth.ready() }),
  };
}

function fastPathOf(
  { plugins = [], fastPath = true, sharing = true, ignoredHeaders = IDENTIFYING_HEADERS }: FrontSettings,
  parts: Omit<FastPathOptions, 'ignoredHeaders' | 'sharing'>,
): FastPath | null {
  return fastPath && plugins.length === 0 ? createFastPath({ ...parts, sharing, ignoredHeaders }) : null;
}

const NO_METRICS = createMetrics('gateway', 'off');

const FIELDS_EXAMPLE = `# What this graph offers to ask for. The docs are behind the button at the top left.
query Fields {
  __schema {
    queryType {
      fields {
        name
        description
      }
    }
  }
}
`;

const DEFAULT_EXPLORER: ExplorerOptions = { title: 'Veza', examples: [FIELDS_EXAMPLE] };
