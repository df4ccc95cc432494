import { withTraceHeaders } from '#platform/tracing/trace-context.ts';

/** The headers as they are now, without a place in a trace: that of a subscription would grow for hours. */
export function untracedHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const untraced = { ...withTraceHeaders(headers, {}) };
  delete untraced['traceparent'];
  return untraced;
}
