import type { FormattedExecutionResult } from 'graphql';
import type { Log } from '#platform/log.ts';
import type { SubsequentResult } from '../engine/engine.ts';
import { failedResult, presentResult, presentSubsequent } from '../http/errors.ts';
import type { RequestReport } from '../telemetry/report.ts';
import type { StreamChannel } from './stream-channel.ts';
import { SHARED_SSE } from './stream-encodings.ts';
import type { InitialResult, ResultSink } from './streamed-operation.ts';

/** What a client asks of a stream of its own. */
export interface OperationOrigin {
  /** The client's own, by which it knows the results. */
  readonly id: string;
  readonly report: RequestReport;
  /** Whether it goes on for as long as there are events. */
  readonly isSubscription: boolean;
}

export interface StreamOperationOptions extends OperationOrigin {
  /** Null where nobody will ever read the stream. */
  readonly channel: Promise<StreamChannel | null>;
  readonly log: Log;
}

/** One operation of several whose results share a stream. Nothing is written under its id once it is over. */
export class StreamOperation implements ResultSink {
  readonly id: string;
  readonly isSubscription: boolean;
  readonly #over = new AbortController();
  readonly #options: StreamOperationOptions;

  constructor(options: StreamOperationOptions) {
    this.#options = options;
    this.id = options.id;
    this.isSubscription = options.isSubscription;
  }

  /** Aborted when it is over, whoever ended it. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  async next(result: InitialResult): Promise<void> {
    if (this.over.aborted) return;
    await this.#write(this.#resultText(result), this.over);
  }

  async nextPart(part: SubsequentResult): Promise<void> {
    if (this.over.aborted) return;
    const presented = presentSubsequent(part, this.#options.report);
    await this.#write(SHARED_SSE.next(this.id, presented), this.over);
  }

  /** The upstream was lost: the protocol has no other form for that. */
  lost(result: FormattedExecutionResult): Promise<void> {
    return this.next(result);
  }

  async complete(): Promise<void> {
    if (this.over.aborted) return;
    await this.#write(SHARED_SSE.complete(this.id), this.over);
    this.end();
  }

  /** Ends it, telling the client what has failed. */
  async fail(error: unknown): Promise<void> {
    await this.#write(this.lastWords(error));
  }

  /** Ends it, and gives what is still to be written for its client to know why. */
  lastWords(error: unknown): string {
    if (this.over.aborted) return '';
    const { report, log } = this.#options;
    const words = this.#resultText(failedResult(error, report.correlationId, log));
    this.end();
    return words + SHARED_SSE.complete(this.id);
  }

  /** Ends it without a word. */
  end(): void {
    this.#over.abort();
  }

  #resultText(result: FormattedExecutionResult): string {
    const { report } = this.#options;
    report.failed(result.errors);
    return SHARED_SSE.next(this.id, presentResult(result, report.correlationId));
  }

  async #write(text: string, unwanted?: AbortSignal): Promise<void> {
    const channel = await this.#options.channel;
    if (text !== '') await channel?.write(text, unwanted);
  }
}
