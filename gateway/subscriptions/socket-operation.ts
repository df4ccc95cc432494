import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { MessageType } from 'graphql-ws';
import { CodedError } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import { isIncremental, type Engine, type EngineScope, type IncrementalResult } from '../engine/engine.ts';
import type { LiveEvent } from '../engine/live/live-event.ts';
import { isFollowing, type Following, type Subscriber } from '../engine/live/subscriber.ts';
import { correlationIdOf } from '../http/correlation.ts';
import { failedResult, presentResult, presentSubsequent } from '../http/errors.ts';
import type { PersistedQueries } from '../http/persisted-queries.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { RequestReport, Telemetry } from '../telemetry/report.ts';
import type { Enter } from '../traffic/load-shedding.ts';
import type { Outbox } from './outbox.ts';
import { textFrame } from './text-frame.ts';

const AFTER_NEXT = Buffer.from('}');

/** What all operations of a gateway's sockets have in common. */
export interface OperationDeps {
  readonly enter: Enter;
  readonly engine: Engine;
  readonly metrics: GatewayMetrics;
  readonly telemetry: Telemetry;
  readonly persisted: PersistedQueries;
  readonly log: Log;
}

/** The socket that an operation runs on. */
export interface OperationHost {
  readonly outbox: Outbox;
  readonly deps: OperationDeps;
  scopeOf(report: RequestReport, signal: AbortSignal): EngineScope;
  /** It sends nothing any more, so that its id may be used anew. */
  over(id: string, operation: SocketOperation): void;
}

/** One operation of a socket, from `subscribe` to its end. It answers under its id until it is over. */
export class SocketOperation implements Subscriber {
  readonly #host: OperationHost;
  readonly #id: string;
  readonly #report: RequestReport;
  #aborting: AbortController | null = new AbortController();
  #following: Following | null = null;
  /** The last event of those that the client could not take. */
  #missed: LiveEvent | null = null;
  /** The message of an event up to its payload. */
  #beforeNext: Buffer | null = null;
  #isOver = false;

  constructor(host: OperationHost, id: string, request: GraphQLRequest) {
    this.#host = host;
    this.#id = id;
    this.#report = reportOf(request, host.deps.telemetry);
  }

  /** Runs it to its end; a subscription until it is live. `admit` throws a CodedError where it must not run. Never rejects. */
  async run(request: GraphQLRequest, admit: () => void): Promise<void> {
    try {
      admit();
      const completed = this.#host.deps.persisted.complete(request);
      this.#report.asked(completed);
      await this.#answerInTurn(completed);
    } catch (error) {
      const { errors = [] } = failedResult(error, this.#report.correlationId, this.#host.deps.log);
      await this.#refuse(errors);
    }
  }

  /** The client wants no more of it, or is gone. */
  stop(): void {
    this.#finish();
  }

  next(event: LiveEvent): void {
    if (this.#isOver) return;
    if (this.#missed) return void (this.#missed = event);
    const busy = this.busy();
    if (!busy) return this.#push(event);
    this.#missed = event;
    this.#host.deps.metrics.missed();
    void busy.then(() => this.#tellOfMissed());
  }

  busy(): Promise<void> | null {
    return this.#isOver ? null : this.#host.outbox.busy();
  }

  end(last: FormattedExecutionResult | null): void {
    if (this.#isOver) return;
    if (last?.errors) void this.#refuse(presentResult(last, this.#report.correlationId).errors ?? []);
    else void this.#complete();
  }

  async #answerInTurn(request: GraphQLRequest): Promise<void> {
    const { signal } = (this.#aborting ??= new AbortController());
    const scope = this.#host.scopeOf(this.#report, signal);
    const leave = await this.#host.deps
      .enter(this.#report, () => signal)
      .catch((error: unknown) => {
        // Its client has completed it meanwhile.
        if (signal.aborted) return null;
        throw error;
      });
    if (!leave) return;
    try {
      await this.#answer(request, scope);
    } finally {
      leave();
    }
  }

  async #answer(request: GraphQLRequest, scope: EngineScope): Promise<void> {
    const { engine, metrics } = this.#host.deps;
    if (engine.operationKind(request, scope.headers) === 'subscription') return this.#follow(request, scope);
    metrics.operated('websocket');
    const result = await engine.executeInParts(request, scope);
    if (isIncremental(result)) await this.#answerInParts(result);
    else await this.#answerOnce(result);
  }

  async #follow(request: GraphQLRequest, scope: EngineScope): Promise<void> {
    const outcome = await this.#host.deps.engine.follow(request, scope, this);
    if (!isFollowing(outcome)) return this.#answerOnce(outcome);
    // The client may have gone while the subscription was being set up.
    if (this.#isOver) return outcome.stop();
    this.#following = outcome;
    this.#aborting = null;
    this.#host.deps.metrics.subscribed('websocket');
  }

  async #answerInParts({ initial, subsequent }: IncrementalResult): Promise<void> {
    this.#report.failed(initial.errors);
    const first = presentResult(initial, this.#report.correlationId);
    await this.#send(MessageType.Next, { ...first, hasNext: true });
    for await (const result of subsequent)
      await this.#send(MessageType.Next, presentSubsequent(result, this.#report));
    await this.#complete();
  }

  // Without `data` nothing was executed: the protocol has a message of its own for that.
  async #answerOnce(result: FormattedExecutionResult): Promise<void> {
    const presented = presentResult(result, this.#report.correlationId);
    if (presented.errors && presented.data === undefined) return this.#refuse(presented.errors);
    this.#report.failed(presented.errors);
    await this.#send(MessageType.Next, presented);
    await this.#complete();
  }

  #push(event: LiveEvent): void {
    const { outbox, deps } = this.#host;
    this.#report.failed(event.result.errors);
    const text = event.bytesAs((result) =>
      presentResult(result, event.correlationId ?? this.#report.correlationId),
    );
    this.#beforeNext ??= Buffer.from(`{"id":${JSON.stringify(this.#id)},"type":"next","payload":`);
    outbox.push(textFrame(this.#beforeNext, text, AFTER_NEXT));
    deps.metrics.delivered('websocket');
  }

  #tellOfMissed(): void {
    const missed = this.#missed;
    this.#missed = null;
    if (!missed || this.#isOver) return;
    const notice = missed.noticeOfMissed();
    if (notice) return this.#push(notice);
    const error = new CodedError('SLOW_CONSUMER', 'Events were given up, since they were read too slowly.');
    this.end(failedResult(error, this.#report.correlationId, this.#host.deps.log));
  }

  async #refuse(errors: readonly GraphQLFormattedError[]): Promise<void> {
    this.#report.failed(errors);
    await this.#send(MessageType.Error, errors, true);
  }

  async #complete(): Promise<void> {
    await this.#send(MessageType.Complete, undefined, true);
  }

  async #send(type: MessageType, payload?: unknown, isLast = false): Promise<void> {
    if (this.#isOver) return;
    if (isLast) this.#finish();
    await this.#host.outbox.send(JSON.stringify({ id: this.#id, type, payload }));
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#aborting?.abort();
    if (this.#following) {
      this.#following.stop();
      this.#host.deps.metrics.unsubscribed('websocket');
    }
    this.#report.end();
    this.#host.over(this.#id, this);
  }
}

function reportOf(request: GraphQLRequest, telemetry: Telemetry): RequestReport {
  // A browser cannot set headers of a socket, and a socket carries many operations.
  const { correlationId, traceparent, tracestate } = request.extensions ?? {};
  const report = telemetry.begin({
    transport: 'websocket',
    correlationId: correlationIdOf(correlationId),
    trace: { traceparent, tracestate },
  });
  report.asked(request);
  return report;
}
