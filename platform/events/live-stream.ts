import type { Poll } from '#platform/polling/poll.ts';
import { createLiveQueue } from './live-queue.ts';

/** What becomes of one item of a source: something to pass on, and whether the stream ends behind it. */
export interface Step<T> {
  readonly emit?: T;
  readonly last?: boolean;
  /** Why the stream ends behind it; unlike `last`, the reader gets it as an error. */
  readonly failure?: Error | null;
}

export interface LiveStreamOptions<S, T> {
  readonly source: AsyncIterator<S, unknown, void>;
  readonly step: (item: S) => Promise<Step<T>> | Step<T>;
  /** Called once, however the stream ends. */
  readonly release?: () => void;
  readonly signal: AbortSignal;
}

/**
 * Passes on what `step` makes of a source; where `step` fails, the stream ends with its error. `return()` ends both at once, also while a
 * `next()` waits, which a generator would not.
 */
export class LiveStream<S, T> implements AsyncIterableIterator<T, void, void> {
  readonly #options: LiveStreamOptions<S, T>;
  #ended = false;
  #failure: Error | null = null;

  constructor(options: LiveStreamOptions<S, T>) {
    this.#options = options;
    if (options.signal.aborted) this.#end();
    else options.signal.addEventListener('abort', this.#end, { once: true });
  }

  async next(): Promise<IteratorResult<T, void>> {
    try {
      return await this.#nextItem();
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  return(): Promise<IteratorResult<T, void>> {
    this.#end();
    this.#failure = null;
    return Promise.resolve({ done: true, value: undefined });
  }

  /** Ends it at once, also while a `next()` waits. With a `reason`, one reader gets it as an error; else the stream is complete. */
  end(reason: Error | null = null): void {
    if (this.#ended) return;
    this.#failure = reason;
    this.#end();
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #nextItem(): Promise<IteratorResult<T, void>> {
    const { source, step } = this.#options;
    while (!this.#ended) {
      const { done, value } = await source.next();
      if (done || this.#ended) break;
      const { emit, last = false, failure = null } = await step(value);
      if (this.#ended) break;
      if (last || failure) this.end(failure);
      if (emit !== undefined) return { done: false, value: emit };
    }
    this.#end();
    const failure = this.#failure;
    this.#failure = null;
    if (failure) throw failure;
    return { done: true, value: undefined };
  }

  #end = (): void => {
    if (this.#ended) return;
    this.#ended = true;
    const { source, release, signal } = this.#options;
    signal.removeEventListener('abort', this.#end);
    release?.();
    // What the source still has to free must not keep the reader waiting.
    void source.return?.();
  };
}

/** A stream that is over before it begins, and so is the subscription that is polled. */
export function endedStream<T>(poll: Poll | null = null): AsyncIterableIterator<T> {
  poll?.finish();
  const queue = createLiveQueue<T>(() => undefined);
  queue.end();
  return queue;
}
