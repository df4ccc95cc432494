import { collectDefaultMetrics, Registry } from 'prom-client';
import { sendText, type HttpRoute } from './http.ts';

export type Metrics = Registry;

/** What a scrape reads. */
export type MetricsText = Pick<Registry, 'contentType' | 'metrics'>;

/** One registry per process, with the runtime's own figures (CPU seconds, memory bytes, event-loop lag in seconds); an empty one where they are off. */
export function createMetrics(service: string, metrics: 'on' | 'off' = 'on'): Metrics {
  const registry = new Registry();
  if (metrics === 'off') return registry;
  registry.setDefaultLabels({ service });
  collectDefaultMetrics({ register: registry });
  return registry;
}

/** `GET /metrics` in Prometheus' text format. */
export function metricsRoute(metrics: MetricsText): HttpRoute {
  return {
    methods: ['GET'],
    path: '/metrics',
    handle: async (_request, response) => {
      sendText(response, 200, metrics.contentType, await metrics.metrics());
    },
  };
}
