import { createLog } from '#platform/log.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import type { SubgraphEndpoint } from '#platform/subgraph-endpoint.ts';
import { createPolledSubscriptions } from '../../gateway/engine/client/event-driven/polled-subscriptions.ts';
import { createInProcessClient } from '../../gateway/engine/client/in-process.ts';
import { subgraphOperation } from '../../gateway/engine/client/subgraph-client.ts';

/** How a gateway may follow a subscription. What a subgraph promises holds for both. */
export const UPSTREAMS = ['socket', 'polls'] as const;
export type Upstream = (typeof UPSTREAMS)[number];

type Subscribe = SubgraphEndpoint['subscribe'];

/** As a gateway follows subscriptions: by what a socket gives, or by polls. `pollMs` of polls: long, so that it is the live bus that brings an event. */
export function subscribeBy(
  upstream: Upstream,
  endpoint: SubgraphEndpoint,
  liveBus: LiveBus,
  secret: string,
  pollMs = 60_000,
): { subscribe: Subscribe; close: () => Promise<void> } {
  if (upstream === 'socket') return { subscribe: endpoint.subscribe, close: async () => undefined };
  const polled = createPolledSubscriptions({
    name: 'tested',
    client: createInProcessClient(endpoint),
    liveBus,
    secret,
    pollMs,
    maxConcurrent: 8,
    present: (result) => result,
    log: createLog('test', 'silent'),
    giveUpMs: 0,
  });
  return {
    close: polled.close,
    subscribe: ({ query, operationName, variables }, { headers, signal }) =>
      polled.subscribe({
        operation: subgraphOperation(query, operationName ?? undefined, 'subscription'),
        variables: variables ?? {},
        representations: null,
        headers,
        signal,
      }),
  };
}
