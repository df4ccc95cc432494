import { Counter } from 'prom-client';
import type { Metrics } from '#platform/metrics.ts';
import type { Tracing } from './tracing.ts';

/** Registers what becomes of the spans of this process; nothing where traces are off. */
export function registerSpanMetrics(registry: Metrics, tracing: Tracing | null): void {
  if (!tracing) return;
  const counter = new Counter({
    name: 'tracing_spans_total',
    help: 'Spans, by what became of them: recorded ones that are neither exported nor failed wait or were dropped.',
    labelNames: ['outcome'],
    collect() {
      this.reset();
      for (const [outcome, spans] of Object.entries(tracing.counts())) this.inc({ outcome }, spans);
    },
    registers: [],
  });
  registry.registerMetric(counter);
}
