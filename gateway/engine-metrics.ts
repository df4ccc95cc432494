import { Counter, Gauge } from 'prom-client';
import type { Metrics } from '#platform/metrics.ts';
import type { Engine } from './engine/engine.ts';

/** Registers what is known of an engine's prepared operations, read when somebody asks. */
export function registerEngineMetrics(registry: Metrics, engine: Engine): void {
  const metrics = [
    new Counter({
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
    }),
    new Counter({
      name: 'gateway_operation_cache_evictions_total',
      help: 'Prepared operations that made room for others.',
      registers: [],
      collect() {
        this.reset();
        this.inc(engine.operationCache().evictions);
      },
    }),
    new Gauge({
      name: 'gateway_operation_cache_entries',
      help: 'Prepared operations that are kept.',
      registers: [],
      collect() {
        this.set(engine.operationCache().entries);
      },
    }),
    new Gauge({
      name: 'gateway_operation_cache_bytes',
      help: 'Memory that they take, approximately.',
      registers: [],
      collect() {
        this.set(engine.operationCache().bytes);
      },
    }),
  ];
  for (const metric of metrics) registry.registerMetric(metric);
}
