import type { SpanExporter } from '@opentelemetry/sdk-trace-node';
import { messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';

export interface CountingExporter extends SpanExporter {
  /** Spans that were taken by the collector, and spans that were given up. */
  counts(): { readonly exported: number; readonly failed: number };
}

type OnResult = Parameters<SpanExporter['export']>[1];

/** Counts what becomes of spans; logs when the collector begins to refuse them, and when it takes them again, not every time. */
export function countingExporter(exporter: SpanExporter, log: Log): CountingExporter {
  let exported = 0;
  let failed = 0;
  let isFailing = false;
  const note = (spans: number, error: unknown) => {
    if (error === null) exported += spans;
    else failed += spans;
    if (isFailing === (error !== null)) return;
    isFailing = error !== null;
    if (isFailing) log.warn({ reason: messageOf(error) }, 'spans cannot be exported');
    else log.info('spans are exported again');
  };
  return {
    export(spans, onResult: OnResult) {
      exporter.export(spans, (result) => {
        note(spans.length, result.code === 0 ? null : (result.error ?? new Error('refused')));
        onResult(result);
      });
    },
    forceFlush: async () => exporter.forceFlush?.(),
    shutdown: () => exporter.shutdown(),
    counts: () => ({ exported, failed }),
  };
}
