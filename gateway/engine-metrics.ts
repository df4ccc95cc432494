import { Counter, Gauge } from 'prom-client';
import type { Metrics } from '#platform/metrics.ts';
import type { Engine } from './engine/engine.ts';

/** Registers what is known of an engine's prepared operations and of its subscriptions, read when somebody asks. */
export function registerEngineMetrics(registry: Metrics, engine: Engine): void {
  const { operationCache, unsoundPlans, liveCounts } = engine;
  const metrics = [
    lookUps(engine),
    counter(
      'gateway_operation_cache_evictions_total',
      'Prepared operations that made room for others.',
      () => operationCache().evictions,
    ),
    gauge(
      'gateway_operation_cache_entries',
      'Prepared operations that are kept.',
      () => operationCache().entries,
    ),
    gauge(
      'gateway_operation_cache_bytes',
      'Memory that they take, approximately.',
      () => operationCache().bytes,
    ),
    counter(
      'gateway_unsound_plans_total',
      'Operations that were refused because no sound plan was found for them.',
      unsoundPlans,
    ),
    gauge(
      'gateway_subscription_groups',
      'Subscriptions that are completed once for all their clients.',
      () => liveCounts().groups,
    ),
    gauge(
      'gateway_subscription_upstreams',
      'Subscriptions that the gateway has at subgraphs.',
      () => liveCounts().upstreams,
    ),
    counter(
      'gateway_subscription_resumptions_total',
      'Times that a lost upstream was taken up again.',
      () => liveCounts().resumptions,
    ),
  ];
  for (const metric of metrics) registry.registerMetric(metric);
}

function lookUps(engine: Engine): Counter {
  return new Counter({
    name: 'gateway_operation_cache_lookups_total',
    help: 'Look-ups of prepared operations; a miss is parsed, validated and planned.',
    labelNames: ['outcome'],
    registers: [],
    collect() {
      const { hits, misses } = engine.operationCache();
      this.reset();
      this.inc({ outcome: 'hit' }, hits);
      this.inc({ outcome: 'miss' }, misses);
    },
  });
}

function counter(name: string, help: string, value: () => number): Counter {
  return new Counter({
    name,
    help,
    registers: [],
    collect() {
      this.reset();
      this.inc(value());
    },
  });
}

function gauge(name: string, help: string, value: () => number): Gauge {
  return new Gauge({
    name,
    help,
    registers: [],
    collect() {
      this.set(value());
    },
  });
}
