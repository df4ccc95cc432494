import { Counter, Histogram } from 'prom-client';
import type { FormattedExecutionResult } from 'graphql';
import { ERROR_STATUS } from './errors.ts';
import type { RelayObserver } from './events/outbox-relay.ts';
import type { Metrics } from './metrics.ts';
import { isResultStream, type SubgraphEndpoint } from './subgraph-endpoint.ts';

const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];

export interface SubgraphMetrics {
  /** The endpoint, with its operations counted and timed. */
  measured(endpoint: SubgraphEndpoint): SubgraphEndpoint;
  readonly relay: RelayObserver;
}

/** The figures of one subgraph. Several subgraphs of one process share the metrics, told apart by a label. */
export function createSubgraphMetrics(registry: Metrics, subgraph: string): SubgraphMetrics {
  const { durations, errors, published } = sharedMetrics(registry);
  const count = (answer: FormattedExecutionResult) => {
    for (const { extensions } of answer.errors ?? [])
      errors.inc({ subgraph, code: knownCode(extensions?.['code']) });
  };
  const [accepted, refused] = ['ok', 'failed'].map((outcome) => published.labels({ subgraph, outcome }));
  const duration = durations.labels({ subgraph });
  return {
    measured: (endpoint) => ({
      async execute(request, scope) {
        const startedAtMs = performance.now();
        const answer = await endpoint.execute(request, scope);
        duration.observe((performance.now() - startedAtMs) / 1_000);
        count(answer);
        return answer;
      },
      async subscribe(request, scope) {
        const answer = await endpoint.subscribe(request, scope);
        if (!isResultStream(answer)) count(answer);
        return answer;
      },
    }),
    relay: { published: () => accepted?.inc(), failed: () => refused?.inc() },
  };
}

const knownCode = (code: unknown) =>
  typeof code === 'string' && Object.hasOwn(ERROR_STATUS, code) ? code : 'OTHER';

type Shared = ReturnType<typeof registered>;
const known = new WeakMap<Metrics, Shared>();

function sharedMetrics(registry: Metrics): Shared {
  let shared = known.get(registry);
  if (!shared) known.set(registry, (shared = registered(registry)));
  return shared;
}

function registered(registry: Metrics) {
  const registers = [registry];
  return {
    durations: new Histogram({
      name: 'subgraph_operation_duration_seconds',
      help: 'Time to answer a query or mutation, transport apart.',
      labelNames: ['subgraph'],
      buckets: LATENCY_BUCKETS_S,
      registers,
    }),
    errors: new Counter({
      name: 'subgraph_errors_total',
      help: 'Errors in answers, by code.',
      labelNames: ['subgraph', 'code'],
      registers,
    }),
    published: new Counter({
      name: 'subgraph_events_published_total',
      help: 'Attempts to hand an event to the durable bus.',
      labelNames: ['subgraph', 'outcome'],
      registers,
    }),
  };
}
