import type { FormattedExecutionResult } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { createResultStream } from '../result-stream.ts';

export interface EventQueueOptions {
  /** Past so many events that wait the stream fails, because memory is bounded and dropping one silently would be a lie. */
  readonly maxQueued: number;
  /** Ends the stream. */
  readonly signal: AbortSignal;
  /** Called once, when nothing that comes will be read any more. */
  readonly stop: () => void;
  /** An event came past `maxQueued`. */
  readonly onDropped?: (() => void) | undefined;
}

/** Turns pushed events into a stream that is read at the reader's pace, in order. */
export class EventQueue {
  readonly stream: ResultStream;
  readonly #options: EventQueueOptions;
  readonly #queued: FormattedExecutionResult[] = [];
  #failure: Error | undefined;
  #isClosed = false;
  #isLetGo = false;
  #arrival = Promise.withResolvers<void>();
  #relief: { readonly count: number; readonly given: PromiseWithResolvers<void> } | null = null;

  constructor(options: EventQueueOptions) {
    this.#options = options;
    const stop = async () => this.#letGo();
    this.stream = createResultStream(() => this.#next(), stop, options.signal);
  }

  push(result: FormattedExecutionResult): void {
    if (this.#isClosed) return;
    if (this.#queued.length < this.#options.maxQueued) this.#queued.push(result);
    else this.#overflow();
    this.#arrival.resolve();
  }

  /** Ends the stream after what is queued. */
  end(): void {
    this.#close();
  }

  /** Makes the stream throw after what is queued. */
  fail(error: Error): void {
    this.#close(error);
  }

  /** Null where fewer than `count` events wait; else resolves once that is so, or the stream is over. */
  whenBelow(count: number): Promise<void> | null {
    if (this.#queued.length < count || this.#isClosed) return null;
    this.#relief ??= { count, given: Promise.withResolvers() };
    return this.#relief.given.promise;
  }

  async #next(): Promise<IteratorResult<FormattedExecutionResult, void>> {
    if (this.#queued.length === 0 && !this.#isClosed) {
      this.#arrival = Promise.withResolvers();
      await this.#arrival.promise;
    }
    const value = this.#queued.shift();
    if (this.#relief && this.#queued.length < this.#relief.count) this.#relieve();
    if (value !== undefined) return { value };
    if (this.#failure) throw this.#failure;
    return { value: undefined, done: true };
  }

  #overflow(): void {
    this.#options.onDropped?.();
    this.#close(new CodedError('SLOW_CONSUMER', 'Events arrived faster than they were read.'));
    this.#letGo();
  }

  #letGo(): void {
    this.#close();
    this.#relieve();
    if (this.#isLetGo) return;
    this.#isLetGo = true;
    this.#options.stop();
  }

  #close(error?: Error): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#failure = error;
    this.#arrival.resolve();
  }

  #relieve(): void {
    this.#relief?.given.resolve();
    this.#relief = null;
  }
}
