import type { Attributes, Span, SpanKind } from '@opentelemetry/api';
import type { TraceHeaders } from './trace-context.ts';

/** Where work stands in its trace. */
export interface Trace {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** For whoever is asked on behalf of this work. */
  readonly headers: TraceHeaders;
  /** Null: this trace is not recorded. Whoever began the span ends it. */
  readonly span: Span | null;
}

export interface RecordedTrace extends Trace {
  readonly span: Span;
}

export interface SpanDetails {
  readonly kind?: SpanKind;
  readonly attributes?: Attributes;
  /** Milliseconds since 1970; now, where it is not given. */
  readonly startTime?: number;
}

/** Spans recorded by this process, by what became of them. What is in none of the last two waits, or was dropped. */
export interface SpanCounts {
  readonly recorded: number;
  readonly exported: number;
  readonly failed: number;
}

/**
 * Records spans. A position in a trace is handed on as the W3C headers that go with the work, never through an async context, so that a request
 * which is not recorded costs two random ids at most.
 */
export interface Tracing {
  /** Continues the trace that a request came with, or begins one, and decides by the sampler whether it is recorded. The span is a SERVER's. */
  receive(name: string, given: TraceHeaders, attributes?: Attributes): Trace;
  /** A part of the work that `parent` belongs to; null where that is not recorded. */
  child(name: string, parent: TraceHeaders, details?: SpanDetails): RecordedTrace | null;
  /** A new trace that links to the one of `origin`, for work that recurs as long as it lives; null where that is not recorded. */
  follow(name: string, origin: TraceHeaders, details?: SpanDetails): RecordedTrace | null;
  counts(): SpanCounts;
  /** Sends what waits, for a few seconds at most. Never rejects. */
  close(): Promise<void>;
}
