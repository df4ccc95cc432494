import { ROOT_CONTEXT, SpanKind, trace, TraceFlags, type SpanContext, type Span } from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  AlwaysOffSampler,
  AlwaysOnSampler,
  BatchSpanProcessor,
  NodeTracerProvider,
  RandomIdGenerator,
  SamplingDecision,
  TraceIdRatioBasedSampler,
  type IdGenerator,
  type Sampler,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-node';
import type { Log } from '#platform/log.ts';
import { countingExporter } from './counting-exporter.ts';
import type { TracingEnvironment } from './environment.ts';
import {
  formatTraceparent,
  isSampled,
  isTracestate,
  parseTraceparent,
  type TraceHeaders,
} from './trace-context.ts';
import type { RecordedTrace, SpanDetails, Trace, Tracing } from './tracing.ts';

export interface OtlpTracingOptions {
  /** Takes OTLP over HTTP as JSON. */
  readonly url: string;
  /** `service.name`, unless OTEL_SERVICE_NAME or OTEL_RESOURCE_ATTRIBUTES say otherwise. */
  readonly service: string;
  readonly sampler: TracingEnvironment['OTEL_TRACES_SAMPLER'];
  /** 0 to 1, for the ratio samplers. */
  readonly ratio: number;
  readonly log: Log;
}

const CLOSE_DEADLINE_MS = 3_000;
const PARENT_BASED = 'parentbased_';
const SPAN_ID_DIGITS = 16;

/**
 * Records with OpenTelemetry's SDK and sends in batches over OTLP, from a bounded queue: what does not fit is dropped, and nothing waits for the
 * collector. The SDK reads further OTEL_ variables by itself (headers, timeout, batches, resource).
 */
export function createOtlpTracing(options: OtlpTracingOptions): Tracing {
  const exporter = countingExporter(new OTLPTraceExporter({ url: options.url }), options.log);
  const ids = handedIds();
  const provider = createProvider(options.service, ids, new BatchSpanProcessor(exporter));
  const tracer = provider.getTracer('veza');
  const isParentBased = options.sampler.startsWith(PARENT_BASED);
  const sampler = rootSamplerOf(options);
  let recorded = 0;

  const start = (
    name: string,
    parent: SpanContext | null,
    details: SpanDetails & { links?: Links },
  ): Span => {
    recorded += 1;
    const context = parent ? trace.setSpanContext(ROOT_CONTEXT, parent) : ROOT_CONTEXT;
    return tracer.startSpan(name, details, context);
  };
  const isWanted = (name: string, parent: SpanContext | null, traceId: string) => {
    if (parent && isParentBased) return parent.traceFlags === TraceFlags.SAMPLED;
    const { decision } = sampler.shouldSample(ROOT_CONTEXT, traceId, name, SpanKind.SERVER, {}, []);
    return decision === SamplingDecision.RECORD_AND_SAMPLED;
  };
  return {
    receive(name, given, attributes = {}) {
      const parent = parseTraceparent(given.traceparent);
      const traceId = parent?.traceId ?? ids.nextTraceId();
      const tracestate = parent && isTracestate(given.tracestate) ? given.tracestate : undefined;
      if (isWanted(name, parent, traceId))
        return recordedTrace(start(name, parent, { kind: SpanKind.SERVER, attributes }), tracestate);
      return unrecordedTrace(parent, traceId, given.traceparent, tracestate);
    },
    child(name, parent, details = {}) {
      const context = isSampled(parent) ? parseTraceparent(parent.traceparent) : null;
      return context && recordedTrace(start(name, context, details), parent.tracestate);
    },
    follow(name, origin, details = {}) {
      const context = isSampled(origin) ? parseTraceparent(origin.traceparent) : null;
      if (!context) return null;
      ids.nextTraceId();
      return recordedTrace(start(name, null, { ...details, links: [{ context }] }), undefined);
    },
    counts: () => ({ recorded, ...exporter.counts() }),
    close: () => withinDeadline(provider.shutdown(), options.log),
  };
}

function createProvider(service: string, idGenerator: IdGenerator, processor: SpanProcessor) {
  return new NodeTracerProvider({
    resource: defaultResource()
      .merge(resourceFromAttributes({ 'service.name': service }))
      .merge(detectResources({ detectors: [envDetector] })),
    // Whether to record is decided before there is a span.
    sampler: new AlwaysOnSampler(),
    idGenerator,
    spanProcessors: [processor],
  });
}

type Links = { context: SpanContext }[];

function recordedTrace(span: Span, tracestate: string | undefined): RecordedTrace {
  const context = span.spanContext();
  return { traceId: context.traceId, headers: headersOf(formatTraceparent(context), tracestate), span };
}

/**
 * A position that says the same as the one before is handed on as it came (W3C, section 3.4). Of a span that nobody records the id is random, but part of
 * its trace's: it means nothing, and making one for each request costs something.
 */
function unrecordedTrace(
  parent: SpanContext | null,
  traceId: string,
  given: string | undefined,
  tracestate: string | undefined,
): Trace {
  const isSame = parent && parent.traceFlags === TraceFlags.NONE && given !== undefined;
  const traceparent = isSame
    ? given
    : formatTraceparent({ traceId, spanId: traceId.slice(SPAN_ID_DIGITS), traceFlags: TraceFlags.NONE });
  return { traceId, headers: headersOf(traceparent, tracestate), span: null };
}

const headersOf = (traceparent: string, tracestate: string | undefined): TraceHeaders =>
  tracestate === undefined ? { traceparent } : { traceparent, tracestate };

/** The id of a new trace is known before its first span, because the ratio samplers decide by it. */
function handedIds() {
  const random = new RandomIdGenerator();
  let traceId = '';
  return {
    nextTraceId: () => (traceId = random.generateTraceId()),
    generateTraceId: () => traceId,
    generateSpanId: () => random.generateSpanId(),
  };
}

/** Decides where there is no parent, or whatever it says. */
function rootSamplerOf({ sampler, ratio }: OtlpTracingOptions): Sampler {
  const roots: Record<string, Sampler> = {
    always_on: new AlwaysOnSampler(),
    always_off: new AlwaysOffSampler(),
    traceidratio: new TraceIdRatioBasedSampler(ratio),
  };
  return roots[sampler.replace(PARENT_BASED, '')] ?? new AlwaysOnSampler();
}

/** A collector that is away must not hold up the end of the process. */
async function withinDeadline(done: Promise<void>, log: Log): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(() => {
    log.warn('the last spans were not exported in time');
    resolve();
  }, CLOSE_DEADLINE_MS);
  // What could not be sent was counted and logged by the exporter.
  await Promise.race([done.catch(() => undefined), late]);
  clearTimeout(timer);
}
