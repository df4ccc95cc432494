import { SpanStatusCode } from '@opentelemetry/api';
import { withTraceHeaders } from '#platform/tracing/trace-context.ts';
import type { Execution } from './plan/execution.ts';

/**
 * Completes one event of a subscription. A recorded subscription's event is a trace of its own that links to it: a subscription lives for hours,
 * and what happens in it is looked at event by event.
 */
export async function withinEventSpan<T>(
  execution: Execution,
  complete: (execution: Execution) => Promise<T>,
): Promise<T> {
  const trace = execution.tracing?.follow('subscription event', execution.headers);
  if (!trace) return complete(execution);
  try {
    return await complete({ ...execution, headers: withTraceHeaders(execution.headers, trace.headers) });
  } finally {
    if (execution.errors.length > 0) trace.span.setStatus({ code: SpanStatusCode.ERROR });
    trace.span.end();
  }
}
