import { createLiveQueue } from './live-queue.ts';

/** What becomes of one item of a source: something to pass on, and whether the stream ends behind it. */
export interface Step<T> {
  readonly emit?: T;
  readonly last?: boolean;
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
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #nextItem(): Promise<IteratorResult<T, void>> {
    const { source, step } = this.#options;
    while (!this.#ended) {
      const { done, value } = await source.next();
      if (done || this.#ended) break;
      const { emit, last = false } = await step(value);
      if (this.#ended) break;
      if (last) this.#end();
      if (emit !== undefined) return { done: false, value: emit };
    }
    this.#end();
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

/**
 * Opens a source for whom `check` lets in, and checks again once it is open: a right that was lost in between is told by no event that the
 * source still gives. Rejects with what `check` throws.
 */
export async function openChecked<S extends AsyncIterator<unknown, unknown, void>>(
  check: () => Promise<unknown>,
  open: () => Promise<S>,
): Promise<S> {
  await check();
  const source = await open();
  try {
    await check();
    return source;
  } catch (error) {
    await source.return?.();
    throw error;
  }
}

/** A stream that is over before it begins. */
export function endedStream<T>(): AsyncIterableIterator<T> {
  const queue = createLiveQueue<T>(() => undefined);
  queue.end();
  return queue;
}
