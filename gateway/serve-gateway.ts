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
import { openEventSources } from './event-sources.ts';
import { proxyRoute } from './http/proxy-route.ts';
import { shutdownPlan, type GatewaySettings } from './settings.ts';
import { shutDown } from './shutdown.ts';
import { connectOverHttp } from './subgraph-clients.ts';
import type { TrafficMetrics } from './traffic/metrics.ts';
import { createStreamRelay, type Place, type StreamRelay } from './workers/stream-relay.ts';

export interface ServeOptions {
  readonly settings: GatewaySettings;
  readonly supergraphSdl: string;
  readonly log: Log;
  /** What `/metrics` shows; default: the figures of this process. */
  readonly metricsText?: MetricsText;
  /** Set where others serve on the same port. */
  readonly place?: Place;
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
  const { settings, supergraphSdl, log, metricsText, place } = options;
  const { HOST: host, PORT: port, config, subgraphUrls } = settings;
  const metrics = createMetrics('gateway', settings.METRICS);
  const tracing = await openTracing(settings, 'gateway', log);
  registerSpanMetrics(metrics, tracing);
  const relay = place ? createStreamRelay(place, log) : null;
  const events = await openEventSources(config, settings, settings.JWKS_URL !== undefined, log);
  const auth = startAuth(settings, events.sources?.liveBus, log);
  const { gateway, traffic } = await createConfiguredGateway({
    variables: settings,
    config,
    supergraphSdl,
    connect: connectOverHttp(config, (name, url) => subgraphUrl(name, url, subgraphUrls)),
    auth,
    events: events.sources,
    log,
    metrics,
    tracing,
    ...(metricsText && { metricsText }),
    ...(relay && { streamTokenPrefix: relay.tokenPrefix }),
  });
  const { upgrades } = gateway;
  const routes = [...(await relayed(gateway.routes, relay)), ...pageRoutes(settings)];
  const listener = await listen({ host, port, routes, upgrades, log });
  const close = async () => {
    await shutDown(gateway, listener, shutdownPlan(settings));
    await relay?.close();
    await auth?.close();
    await events.close();
    await tracing?.close();
  };
  return { port: listener.port, engine: gateway.engine, listener, metrics, traffic, close };
}

async function relayed(
  routes: readonly HttpRoute[],
  relay: StreamRelay | null,
): Promise<readonly HttpRoute[]> {
  const graphql = routes.find(({ path }) => path === '/graphql');
  if (!relay || !graphql) return routes;
  await relay.listen(graphql);
  return routes.map((route) => (route === graphql ? relay.around(route) : route));
}

/** What browsers need besides the graph, so that they know one address only. */
function pageRoutes({ FILES_DIR: folder, INTERNAL_SECRET: secret, MEDIA_URL }: GatewaySettings): HttpRoute[] {
  return [
    ...(folder && secret ? [fileRoute({ folder, secret })] : []),
    ...(MEDIA_URL ? [proxyRoute('/live/*', new URL(MEDIA_URL))] : []),
  ];
}
