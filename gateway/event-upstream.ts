import { CodedError } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { createAnnouncedSubscriptions } from './engine/client/event-driven/announced-subscriptions.ts';
import { createPolledSubscriptions } from './engine/client/event-driven/polled-subscriptions.ts';
import type { SubgraphClient } from './engine/client/subgraph-client.ts';
import type { EventSources } from './event-sources.ts';
import { errorMask } from './traffic/error-rules.ts';
import type { SubgraphMetrics } from './traffic/metrics.ts';
import type { SubgraphSettings } from './traffic/subgraph-traffic.ts';

export interface EventUpstreamOptions {
  readonly name: string;
  readonly settings: Pick<SubgraphSettings, 'subscriptions' | 'errors'>;
  readonly events: EventSources | null;
  readonly metrics: Pick<SubgraphMetrics, 'dropped' | 'malformed'>;
  readonly log: Log;
}

/**
 * Puts in place of a client's subscriptions what its settings say. Outermost: what is asked of the subgraph for the sake of a subscription passes
 * everything that stands around its other requests, with headers as they are at that moment. Throws where what it takes is missing.
 */
export function withEventUpstream(client: SubgraphClient, options: EventUpstreamOptions): SubgraphClient {
  const subscriptions = subscriptionsOf(client, options);
  if (!subscriptions) return client;
  return {
    ...client,
    subscribe: (request) => subscriptions.subscribe(request),
    close: async () => {
      await subscriptions.close();
      await client.close();
    },
  };
}

function subscriptionsOf(
  client: SubgraphClient,
  { name, settings, events, metrics, log }: EventUpstreamOptions,
): Pick<SubgraphClient, 'subscribe' | 'close'> | null {
  const { upstream, pollMs, maxConcurrent, topics } = settings.subscriptions;
  switch (upstream) {
    case 'socket':
      return null;
    case 'polls': {
      if (!events?.secret) throw missing(name, upstream, 'a live bus and INTERNAL_SECRET');
      const { liveBus, secret } = events;
      const present = errorMask({ name, ...settings.errors });
      return createPolledSubscriptions({
        name,
        client,
        liveBus,
        secret,
        pollMs,
        maxConcurrent,
        present,
        log,
      });
    }
    case 'topics': {
      if (!events?.channels) throw missing(name, upstream, 'Redis');
      const { dropped: onDropped, malformed: onMalformed } = metrics;
      const liveBus = events.channels;
      return createAnnouncedSubscriptions({ name, client, liveBus, topics, log, onDropped, onMalformed });
    }
  }
}

const missing = (name: string, upstream: string, what: string) =>
  new CodedError(
    'INTERNAL_SERVER_ERROR',
    `Subscriptions of the subgraph ${name} come by ${upstream}: that takes ${what}.`,
  );
