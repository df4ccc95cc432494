import type { ReadinessChecks } from '#platform/health.ts';
import type { Log } from '#platform/log.ts';
import type { Metrics, MetricsText } from '#platform/metrics.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import type { GatewayAuth } from './auth/auth.ts';
import { ALWAYS_FORWARDED } from './auth/forwarded-headers.ts';
import type { GatewayConfig } from './config.ts';
import { overridesFrom } from './config-overrides.ts';
import { hiddenServices, ignoredByAll, selectedHeaders } from './config-subgraphs.ts';
import type { EventSources } from './event-sources.ts';
import type { ExplorerOptions } from './explorer/explorer.ts';
import { createGateway, type Gateway } from './gateway.ts';
import type { GatewaySettings } from './settings.ts';
import { createSubgraphClients, type Connect } from './subgraph-clients.ts';
import { createLoadShedding } from './traffic/load-shedding.ts';
import { createTrafficMetrics, type TrafficMetrics } from './traffic/metrics.ts';
import { watchPressure } from './traffic/pressure.ts';

/** The variables that shape a gateway, wherever it runs. */
export type GatewayVariables = Pick<
  GatewaySettings,
  | 'CORS_ORIGINS'
  | 'EXPLORER'
  | 'FAST_PATH'
  | 'FORWARD_HEADERS'
  | 'GATEWAY_ENGINE'
  | 'LOG_REQUESTS'
  | 'MAX_BODY_BYTES'
  | 'MAX_FILE_BYTES'
  | 'METRICS'
  | 'NODE_ENV'
  | 'TRUST_PROXY'
>;

export interface ConfiguredGatewayOptions {
  readonly variables: GatewayVariables;
  readonly config: GatewayConfig;
  readonly supergraphSdl: string;
  readonly connect: Connect;
  /** Null: tokens are not verified but forwarded. */
  readonly auth: GatewayAuth | null;
  /** Without it subscriptions are followed over sockets only. Stays the caller's, and is closed after the gateway. */
  readonly events?: EventSources | null;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Without it traces are off. */
  readonly tracing?: Tracing | null;
  /** What `/metrics` shows; default: `metrics`. */
  readonly metricsText?: MetricsText;
  /** What tokens of reserved event streams begin with; default: nothing. */
  readonly streamTokenPrefix?: string;
  /** The page that EXPLORER turns on; default: one that knows no more than the graph. */
  readonly explorer?: ExplorerOptions;
  /** What must work besides the gateway itself for `/health/ready`. */
  readonly checks?: ReadinessChecks;
}

export interface ConfiguredGateway {
  readonly gateway: Gateway;
  readonly traffic: TrafficMetrics;
}

/** A gateway with everything that its variables and its configuration file say, over subgraphs that `connect` reaches. */
export async function createConfiguredGateway(options: ConfiguredGatewayOptions): Promise<ConfiguredGateway> {
  const { variables, config, supergraphSdl, connect, auth, log, tracing = null, events = null } = options;
  const metrics = variables.METRICS === 'on' ? options.metrics : null;
  const traffic = createTrafficMetrics(metrics);
  const { toAll, selected } = headerNames(options);
  const pressure = watchPressure(config.shedding);
  const clients = createSubgraphClients({
    config,
    metrics: traffic,
    selectedHeaders: selected,
    isProduction: variables.NODE_ENV === 'production',
    connect,
    events,
    tracing,
    log,
  });
  const served = new Set<string>();
  const gateway = await createGateway({
    ...frontSettings(options),
    forwardHeaders: [...toAll, ...selected],
    supergraphSdl,
    clients: (name, url) => {
      served.add(name);
      return clients(name, url);
    },
    auth,
    log,
    metrics,
    tracing,
    requestDeadlineMs: config.requestDeadlineMs,
    isHidden: hiddenServices(config),
    overrides: overridesFrom(config),
    rejectUnauthorized: config.authorization.rejectUnauthorized,
    ignoredHeaders: ignoredByAll(config),
    sharing: config.sharing,
    shedding: createLoadShedding({ ...config.shedding, pressure, metrics: traffic }),
  });
  warnOfUnknown(config, served, log);
  const close = async () => {
    pressure.close();
    await gateway.close();
  };
  return { gateway: { ...gateway, close }, traffic };
}

/** Client headers that every subgraph gets, and those that some do. */
function headerNames({ variables, config, auth }: ConfiguredGatewayOptions) {
  const toAll = variables.FORWARD_HEADERS.map((name) => name.toLowerCase());
  const always = [...toAll, ...ALWAYS_FORWARDED, ...(auth ? [] : ['authorization'])];
  return { toAll, selected: selectedHeaders(config, always) };
}

function frontSettings(options: ConfiguredGatewayOptions) {
  const { variables, config, explorer, metricsText, streamTokenPrefix, checks } = options;
  const { MAX_BODY_BYTES: maxBodyBytes, MAX_FILE_BYTES: maxFileBytes } = variables;
  const { http } = config;
  return {
    logRequests: variables.LOG_REQUESTS,
    corsOrigins: variables.CORS_ORIGINS,
    trustProxy: variables.TRUST_PROXY,
    engine: variables.GATEWAY_ENGINE,
    fastPath: variables.FAST_PATH === 'on',
    requestLimits: { maxBodyBytes, maxFileBytes, bodyTimeoutMs: http.bodyTimeoutMs },
    compression: http.compression,
    socketLimits: config.sockets,
    clientLimits: config.clients,
    explorer: variables.EXPLORER === 'on' ? explorer : null,
    ...(metricsText && { metricsText }),
    ...(streamTokenPrefix !== undefined && { streamTokenPrefix }),
    ...(checks && { checks }),
  };
}

/** No error, because the next supergraph may have them. */
function warnOfUnknown({ subgraphs }: GatewayConfig, served: ReadonlySet<string>, log: Log): void {
  for (const subgraph of Object.keys(subgraphs))
    if (subgraph !== 'all' && !served.has(subgraph))
      log.warn({ subgraph }, 'settings of an unknown subgraph');
}
