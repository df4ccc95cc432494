import { AsyncLocalStorage } from 'node:async_hooks';
import { SpanStatusCode, type Attributes } from '@opentelemetry/api';
import type { GraphQLFormattedError } from 'graphql';
import { ERROR_STATUS } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { checkedTraceHeaders, parseTraceparent, type TraceHeaders } from '#platform/tracing/trace-context.ts';
import type { Trace, Tracing } from '#platform/tracing/tracing.ts';
import { knownCode, type GatewayMetrics, type Transport } from '../metrics.ts';
import { createOperationNames, type Asked, type OperationLabel } from './operation-names.ts';
import { createShedLog, type ShedLog } from './shed-log.ts';

/** Which requests get a line in the log: none, those whose answer holds errors, or all. */
export type RequestLogging = 'off' | 'failed' | 'all';

export interface TelemetryOptions {
  readonly metrics: GatewayMetrics;
  /** Null: nothing is recorded, and what clients say about their trace is passed on. */
  readonly tracing?: Tracing | null;
  readonly log: Log;
  /** Default: `failed`. */
  readonly logRequests?: RequestLogging;
}

/** What is known of a request when it arrives. */
export interface Arrival {
  readonly transport: Transport;
  readonly correlationId: string;
  /** As the client sent them; whatever is malformed is left out. */
  readonly trace: Readonly<Record<keyof TraceHeaders, unknown>>;
  /** Of an HTTP request. */
  readonly method?: string | undefined;
}

export interface Telemetry {
  /** To be ended once, when the request is answered. */
  begin(arrival: Arrival): RequestReport;
  /** Logs what waits for its summary. */
  close(): void;
}

/** What becomes known of one request while it is answered: its errors are counted at once, its span and its log line are written at the end. */
export interface RequestReport {
  readonly correlationId: string;
  /** For subgraphs that are asked on behalf of the request. */
  readonly traceHeaders: TraceHeaders;
  /** What it asked for, where the request is understood. */
  asked(asked: Asked): void;
  /** The same, from who has looked at the document. */
  ran(operation: OperationLabel): void;
  failed(errors: readonly GraphQLFormattedError[] | undefined): void;
  /** It is refused because there is too much to do. */
  shed(reason: string): void;
  /** `status` is that of the HTTP answer. */
  end(status?: number): void;
}

/** The report of the request being answered, for code that a library calls without telling it which request it is. */
export const currentReport = new AsyncLocalStorage<RequestReport>();

export function createTelemetry(options: TelemetryOptions): Telemetry {
  const sheds = createShedLog(options.log);
  const setup: Setup = { ...options, sheds, labelOf: createOperationNames() };
  return { begin: (arrival) => new Report(setup, arrival), close: sheds.close };
}

interface Setup extends TelemetryOptions {
  readonly sheds: ShedLog;
  readonly labelOf: (asked: Asked) => OperationLabel | null;
}

/** A class, since one is made for every request. */
class Report implements RequestReport {
  readonly correlationId: string;
  readonly traceHeaders: TraceHeaders;
  readonly #setup: Setup;
  readonly #arrival: Arrival;
  readonly #trace: Trace | null;
  readonly #startedAtMs = performance.now();
  #asked: Asked | null = null;
  #operation: OperationLabel | null = null;
  /** In order of their first occurrence. */
  #codes: Set<string> | null = null;
  #shedReason: string | null = null;

  constructor(setup: Setup, arrival: Arrival) {
    const { tracing } = setup;
    this.#setup = setup;
    this.#arrival = arrival;
    this.correlationId = arrival.correlationId;
    const given = checkedTraceHeaders(arrival.trace);
    this.#trace = tracing ? tracing.receive('GraphQL Operation', given) : null;
    this.traceHeaders = this.#trace?.headers ?? given;
  }

  asked(asked: Asked): void {
    this.#asked = asked;
  }

  ran(operation: OperationLabel): void {
    this.#operation = operation;
  }

  failed(errors: readonly GraphQLFormattedError[] | undefined): void {
    if (errors === undefined || errors.length === 0) return;
    this.#setup.metrics.failed(errors);
    this.#codes ??= new Set();
    for (const { extensions } of errors) this.#codes.add(knownCode(extensions?.['code']));
  }

  shed(reason: string): void {
    this.#shedReason = reason;
  }

  end(status?: number): void {
    const { labelOf } = this.#setup;
    const span = this.#trace?.span;
    const isLogged = this.#isLogged();
    if (!span && !isLogged) return;
    if (this.#asked !== null) this.#operation ??= labelOf(this.#asked);
    if (isLogged) this.#log(status);
    if (span) this.#endSpan(span, status);
  }

  #isLogged(): boolean {
    const { logRequests = 'failed', sheds } = this.#setup;
    if (logRequests !== 'failed') return logRequests === 'all';
    return this.#codes !== null && (this.#shedReason === null || sheds.isFirst(this.#shedReason));
  }

  #log(status: number | undefined): void {
    const { log } = this.#setup;
    const { correlationId, transport, method } = this.#arrival;
    const traceId = this.#trace?.traceId ?? parseTraceparent(this.traceHeaders.traceparent)?.traceId;
    const codes = [...(this.#codes ?? [])];
    const fields = {
      correlationId,
      ...(traceId !== undefined && { traceId }),
      transport,
      ...(method !== undefined && { method }),
      ...(status !== undefined && { status }),
      ...(this.#operation && { operation: this.#operation.type, operationName: this.#operation.name }),
      durationMs: Math.round((performance.now() - this.#startedAtMs) * 10) / 10,
      ...(codes.length > 0 && { codes }),
      ...(this.#shedReason !== null && { reason: this.#shedReason }),
    };
    if (codes.length === 0) log.info(fields, 'request answered');
    else if (codes.some(isOurFault)) log.warn(fields, 'request answered with errors');
    else log.info(fields, 'request answered with errors');
  }

  #endSpan(span: NonNullable<Trace['span']>, status: number | undefined): void {
    const { correlationId, transport, method } = this.#arrival;
    const codes = [...(this.#codes ?? [])];
    const [first] = codes;
    const attributes: Attributes = {
      'veza.transport': transport,
      'veza.correlation_id': correlationId,
      'http.request.method': method,
      'http.response.status_code': status,
      'url.path': '/graphql',
      'graphql.operation.type': this.#operation?.type,
      'graphql.operation.name': this.#operation?.name,
      'error.type': first,
      'veza.error.codes': first === undefined ? undefined : codes,
    };
    if (this.#operation) span.updateName(this.#operation.type);
    span.setAttributes(attributes);
    if (codes.some(isOurFault)) span.setStatus({ code: SpanStatusCode.ERROR });
    span.end();
  }
}

/** By the status that the code has. One that only a subgraph knows is between the subgraph and its callers. */
function isOurFault(code: string): boolean {
  const statuses: Readonly<Record<string, number>> = ERROR_STATUS;
  return (statuses[code] ?? 0) >= 500;
}
