import type { GatewayConfig } from './config-schema.ts';
import { subgraphSettings } from './config-subgraphs.ts';
import { createHttpClient } from './engine/client/http.ts';
import type { SubgraphClient } from './engine/client/subgraph-client.ts';
import { createWebSocketClient } from './engine/client/websocket.ts';
import type { TrafficMetrics } from './traffic/metrics.ts';
import { withTraffic } from './traffic/subgraph-traffic.ts';

export interface SubgraphClientsOptions {
  readonly config: GatewayConfig;
  readonly metrics: Pick<TrafficMetrics, 'of'>;
  readonly isProduction: boolean;
  /** See `selectedHeaders`. */
  readonly selectedHeaders: ReadonlySet<string>;
  /** The address that goes before every other one; the routing URL where there is none. */
  readonly addressOf: (name: string, routingUrl: string) => string;
}

/** Makes the client of a subgraph over HTTP and WebSocket, with everything that its settings put around it. */
export function createSubgraphClients(
  options: SubgraphClientsOptions,
): (name: string, routingUrl: string) => SubgraphClient {
  const { config, metrics, isProduction, selectedHeaders, addressOf } = options;
  const mutations = { ended: 0 };
  return (name, routingUrl) => {
    const settings = subgraphSettings(config, name, isProduction);
    const { url: ownUrl, subscriptionsUrl } = ownAddresses(config, name);
    const url = addressOf(name, ownUrl ?? routingUrl);
    const { connectMs: connectTimeoutMs, headersMs, bodyMs } = settings.timeouts;
    const subscriptions = createWebSocketClient({ name, url: subscriptionsUrl ?? url, connectTimeoutMs });
    const client = createHttpClient({
      name,
      url,
      connectTimeoutMs,
      headersTimeoutMs: headersMs,
      bodyTimeoutMs: bodyMs,
      maxResponseBytes: settings.maxResponseBytes,
      maxConnections: settings.concurrency.maxConcurrent,
      subscriptions,
    });
    return withTraffic(client, { name, settings, selectedHeaders, mutations, metrics: metrics.of(name) });
  };
}

function ownAddresses({ subgraphs }: GatewayConfig, name: string) {
  return name === 'all' ? {} : (subgraphs[name] ?? {});
}
