import { fileRoute } from '#platform/files/file-route.ts';
import { listen, type HttpListener, type HttpRoute } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import { createMetrics, type Metrics, type MetricsText } from '#platform/metrics.ts';
import { openTracing } from '#platform/tracing/open-tracing.ts';
import { registerSpanMetrics } from '#platform/tracing/span-metrics.ts';
import { startAuth } from './auth/start-auth.ts';
import { createConfiguredGateway } from './configured-gateway.ts';
import { subgraphUrl } from './environment.ts';
import type { Engine } from './engine/engine.ts';
import { proxyRoute } from './http/proxy-route.ts';
import { shutdownPlan, type GatewaySettings } from './settings.ts';
import { shutDown } from './shutdown.ts';
import { connectOverHttp } from './subgraph-clients.ts';
import type { TrafficMetrics } from './traffic/metrics.ts';

export interface ServeOptions {
  readonly settings: GatewaySettings;
  readonly supergraphSdl: string;
  readonly log: Log;
  /** What `/metrics` shows; default: the figures of this process. */
  readonly metricsText?: MetricsText;
}

export interface ServedGateway {
  readonly port: number;
  readonly engine: Engine;
  readonly listener: HttpListener;
  readonly metrics: Metrics;
  readonly traffic: TrafficMetrics;
  /** Ends it in order, losing no request that it has accepted. */
  close(): Promise<void>;
}

/** The gateway of a process of its own: subgraphs over HTTP and WebSocket, tokens by JWKS_URL. Resolves once it listens. */
export async function serveGateway(options: ServeOptions): Promise<ServedGateway> {
  const { settings, supergraphSdl, log, metricsText } = options;
  const { HOST: host, PORT: port, config, subgraphUrls } = settings;
  const metrics = createMetrics('gateway', settings.METRICS);
  const tracing = await openTracing(settings, 'gateway', log);
  registerSpanMetrics(metrics, tracing);
  const started = await startAuth(settings, log);
  const { gateway, traffic } = await createConfiguredGateway({
    variables: settings,
    config,
    supergraphSdl,
    connect: connectOverHttp(config, (name, url) => subgraphUrl(name, url, subgraphUrls)),
    auth: started?.auth ?? null,
    log,
    metrics,
    tracing,
    ...(metricsText && { metricsText }),
  });
  const { upgrades } = gateway;
  const routes = [...gateway.routes, ...pageRoutes(settings)];
  const listener = await listen({ host, port, routes, upgrades, log });
  const close = async () => {
    await shutDown(gateway, listener, shutdownPlan(settings));
    await started?.close();
    await tracing?.close();
  };
  return { port: listener.port, engine: gateway.engine, listener, metrics, traffic, close };
}

/** What browsers need besides the graph, so that they know one address only. */
function pageRoutes({ FILES_DIR: folder, INTERNAL_SECRET: secret, MEDIA_URL }: GatewaySettings): HttpRoute[] {
  return [
    ...(folder && secret ? [fileRoute({ folder, secret })] : []),
    ...(MEDIA_URL ? [proxyRoute('/live/*', new URL(MEDIA_URL))] : []),
  ];
}
