import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FormattedExecutionResult } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import type { Identity } from '../auth/auth.ts';
import { onExpiry } from '../auth/expiry.ts';
import type { EngineScope, SubsequentResult } from '../engine/engine.ts';
import { STALL_MS } from '../http/drained.ts';
import { failedResult, presentResult, presentSubsequent } from '../http/errors.ts';
import type { StreamTransport } from '../metrics.ts';
import type { RequestReport } from '../telemetry/report.ts';
import { openStreamChannel, type StreamChannel } from './stream-channel.ts';
import { STREAM_ENCODINGS, type StreamEncoding } from './stream-encodings.ts';
import {
  runStreamed,
  type InitialResult,
  type ResultSink,
  type StreamedRunOptions,
} from './streamed-operation.ts';

export interface StreamedOperation {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly transport: StreamTransport;
  readonly operation: GraphQLRequest;
  readonly scope: EngineScope;
  readonly identity: Identity | null;
  readonly report: RequestReport;
  /** Called once a subscription has begun: from then on it waits for events. */
  readonly onLive: () => void;
}

export interface StreamedAnswerOptions extends StreamedRunOptions {
  readonly log: Log;
  readonly limits?: Partial<StreamLimits> | undefined;
}

export interface StreamLimits {
  /** Pause between two heartbeats, which keep proxies from closing a silent connection. */
  readonly heartbeatMs: Readonly<Record<StreamTransport, number>>;
  /** A client that takes nothing for this long is let go. */
  readonly stallMs: number;
}

export const STREAM_LIMITS: StreamLimits = {
  heartbeatMs: { sse: 12_000, multipart: 5_000 },
  stallMs: STALL_MS,
};

/** What clients that come, or would have to stay, are told at the end of a gateway. */
export const goingAway = () => new CodedError('SERVICE_UNAVAILABLE', 'The gateway is about to shut down.');

/** One operation and the response that its results go to, from its head on. */
export class StreamedAnswer implements ResultSink {
  /** Queries and mutations are answered soon; a subscription goes on for as long as there are events. */
  isLive = false;
  readonly #streamed: StreamedOperation;
  readonly #options: StreamedAnswerOptions;
  readonly #encoding: StreamEncoding;
  readonly #channel: StreamChannel;

  constructor(streamed: StreamedOperation, options: StreamedAnswerOptions) {
    const { transport, response } = streamed;
    const { heartbeatMs, stallMs } = { ...STREAM_LIMITS, ...options.limits };
    this.#streamed = streamed;
    this.#options = options;
    this.#encoding = STREAM_ENCODINGS[transport];
    this.#channel = openStreamChannel(response, {
      ...this.#encoding,
      heartbeatMs: heartbeatMs[transport],
      stallMs,
    });
  }

  get sessionId(): string | undefined {
    return this.#streamed.identity?.viewer.sessionId;
  }

  /** Resolves when it is over. `onLive` is called when a subscription has begun. Never rejects. */
  async run(onLive: () => void): Promise<void> {
    const { request, operation, transport, identity, report } = this.#streamed;
    report.asked(operation);
    const scope = { ...this.#streamed.scope, signal: this.#channel.over };
    const lastEventId = request.headers['last-event-id'];
    const live = () => {
      this.isLive = true;
      this.#streamed.onLive();
      onLive();
    };
    const stopExpiry = onExpiry(identity, (error) => this.end(error));
    try {
      await runStreamed({ operation, scope, transport, lastEventId, onLive: live }, this, this.#options);
      this.#channel.end(this.#encoding.closing);
    } catch (error) {
      this.end(error);
    } finally {
      stopExpiry();
    }
  }

  next(result: InitialResult, id: string | null): Promise<void> {
    return this.#send(result, (presented) => this.#encoding.result(presented, id));
  }

  nextPart(part: SubsequentResult): Promise<void> {
    return this.#channel.write(this.#encoding.result(presentSubsequent(part, this.#streamed.report), null));
  }

  lost(result: FormattedExecutionResult): Promise<void> {
    return this.#send(result, this.#encoding.failure);
  }

  /** Ends it, telling the client what has failed. */
  end(error: unknown): void {
    if (this.#channel.over.aborted) return;
    this.#channel.end(this.#encoding.failure(this.#failureOf(error)) + this.#encoding.closing);
  }

  /** Ends it in a way that its client does not take for the end of its events. */
  leave(): void {
    if (this.#channel.over.aborted) return;
    this.#channel.end(this.#encoding.departure(() => this.#failureOf(goingAway())));
  }

  async #send(
    result: FormattedExecutionResult,
    encode: (presented: FormattedExecutionResult) => string,
  ): Promise<void> {
    if (this.#channel.over.aborted) return;
    const { report } = this.#streamed;
    report.failed(result.errors);
    await this.#channel.write(encode(presentResult(result, report.correlationId)));
  }

  #failureOf(error: unknown): FormattedExecutionResult {
    const { report } = this.#streamed;
    const failure = failedResult(error, report.correlationId, this.#options.log);
    report.failed(failure.errors);
    return failure;
  }
}
