import type { SpanContext } from '@opentelemetry/api';

/** The headers of W3C Trace Context, Level 1. */
export interface TraceHeaders {
  readonly traceparent?: string | undefined;
  readonly tracestate?: string | undefined;
}

const TRACEPARENT = /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?$/;
const ZERO_TRACE = '0'.repeat(32);
const ZERO_SPAN = '0'.repeat(16);
/** Longer ones may be dropped whole (section 3.3.1.5). */
const TRACESTATE = /^[\x20-\x7e]{1,512}$/;
const SAMPLED = 1;

/** The position that a `traceparent` names; null where it is malformed, for then a new trace begins (section 3.2.4). */
export function parseTraceparent(text: unknown): SpanContext | null {
  if (typeof text !== 'string') return null;
  const [, version, traceId = '', spanId = '', flags = '', more] = TRACEPARENT.exec(text) ?? [];
  if (version === undefined || version === 'ff' || (version === '00' && more !== undefined)) return null;
  if (traceId === ZERO_TRACE || spanId === ZERO_SPAN) return null;
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16) & SAMPLED, isRemote: true };
}

export function formatTraceparent({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags & SAMPLED ? '01' : '00'}`;
}

/** The headers as they may be sent on: none that is malformed, and no `tracestate` alone. */
export function checkedTraceHeaders(given: Readonly<Record<keyof TraceHeaders, unknown>>): TraceHeaders {
  const { traceparent, tracestate } = given;
  if (typeof traceparent !== 'string' || !parseTraceparent(traceparent)) return {};
  return { traceparent, ...(isTracestate(tracestate) && { tracestate }) };
}

export const isTracestate = (value: unknown): value is string =>
  typeof value === 'string' && TRACESTATE.test(value);

/** Whether what these headers belong to is recorded. Looks at one character, since most requests are not. */
export function isSampled({ traceparent }: TraceHeaders): boolean {
  return traceparent !== undefined && (traceparent.charCodeAt(54) & SAMPLED) === 1;
}

/** A copy of `headers` that carries these. Getters stay getters: some headers are written anew for every request. */
export function withTraceHeaders(
  headers: Readonly<Record<string, string>>,
  { traceparent, tracestate }: TraceHeaders,
): Record<string, string> {
  const copy: Record<string, string> = Object.defineProperties({}, Object.getOwnPropertyDescriptors(headers));
  delete copy['tracestate'];
  if (traceparent !== undefined) copy['traceparent'] = traceparent;
  if (tracestate !== undefined) copy['tracestate'] = tracestate;
  return copy;
}

/** Fields of every log line about a request, read from the headers that it brings or sends on. */
export function requestFields(headers: Readonly<Record<string, string | undefined>>): {
  readonly correlationId?: string;
  readonly traceId?: string;
} {
  const correlationId = headers['x-correlation-id'];
  const traceId = parseTraceparent(headers['traceparent'])?.traceId;
  return { ...(correlationId !== undefined && { correlationId }), ...(traceId !== undefined && { traceId }) };
}
