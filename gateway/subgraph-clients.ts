import type { Log } from '#platform/log.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import type { GatewayConfig } from './config-schema.ts';
import { subgraphSettings } from './config-subgraphs.ts';
import { withEventUpstream } from './event-upstream.ts';
import type { EventSources } from './event-sources.ts';
import { createHttpClient } from './engine/client/http.ts';
import type { SubgraphClient } from './engine/client/subgraph-client.ts';
import { createWebSocketClient } from './engine/client/websocket.ts';
import type { SubgraphMetrics, TrafficMetrics } from './traffic/metrics.ts';
import { withSpans } from './traffic/spans.ts';
import { withTraffic, type SubgraphSettings } from './traffic/subgraph-traffic.ts';

/** Makes the bare client of one subgraph; `routingUrl` is the supergraph's. */
export type Connect = (
  name: string,
  routingUrl: string,
  settings: SubgraphSettings,
  metrics: Pick<SubgraphMetrics, 'dropped'>,
) => SubgraphClient;

export interface SubgraphClientsOptions {
  readonly config: GatewayConfig;
  readonly metrics: Pick<TrafficMetrics, 'of'>;
  readonly isProduction: boolean;
  /** See `selectedHeaders`. */
  readonly selectedHeaders: ReadonlySet<string>;
  readonly connect: Connect;
  /** Null: subscriptions over sockets only. */
  readonly events: EventSources | null;
  readonly log: Log;
  /** Null: fetches are not recorded. */
  readonly tracing: Tracing | null;
}

/** Makes the client of a subgraph with everything that its settings put around it. */
export function createSubgraphClients(
  options: SubgraphClientsOptions,
): (name: string, routingUrl: string) => SubgraphClient {
  const { config, metrics, isProduction, selectedHeaders, connect, events, log, tracing } = options;
  const mutations = { ended: 0 };
  return (name, routingUrl) => {
    const settings = subgraphSettings(config, name, isProduction);
    const own = metrics.of(name);
    const client = connect(name, routingUrl, settings, own);
    const traffic = { name, settings, selectedHeaders, mutations, metrics: own };
    const inner = withSpans(withTraffic(client, traffic), name, tracing);
    return withEventUpstream(inner, { name, settings, events, metrics: own, log });
  };
}

/** Over HTTP and WebSocket. `addressOf` gives the address that goes before every other one; the one it is given where there is none. */
export function connectOverHttp(
  config: GatewayConfig,
  addressOf: (name: string, routingUrl: string) => string,
): Connect {
  return (name, routingUrl, { timeouts, maxResponseBytes, passThrough, concurrency }, { dropped }) => {
    const { url: ownUrl, subscriptionsUrl } = ownAddresses(config, name);
    const url = addressOf(name, ownUrl ?? routingUrl);
    const { connectMs: connectTimeoutMs, headersMs, bodyMs } = timeouts;
    const subscriptions = createWebSocketClient({
      name,
      url: subscriptionsUrl ?? url,
      connectTimeoutMs,
      onDropped: dropped,
    });
    return createHttpClient({
      name,
      url,
      connectTimeoutMs,
      headersTimeoutMs: headersMs,
      bodyTimeoutMs: bodyMs,
      maxResponseBytes,
      passThrough,
      maxConnections: concurrency.maxConcurrent,
      maxPipelined: concurrency.maxPipelined,
      subscriptions,
    });
  };
}

function ownAddresses({ subgraphs }: GatewayConfig, name: string) {
  return name === 'all' ? {} : (subgraphs[name] ?? {});
}
