import type { Poll } from '#platform/polling/poll.ts';
import type { LiveSubscription } from './ports.ts';

/** Injectable for tests. */
export interface Clock {
  /** Never goes back. */
  readonly nowMs: () => number;
  /** Returns what calls it off. */
  readonly after: (ms: number, run: () => void) => () => void;
}

export interface CoalescingOptions<T> {
  /** Of the values with the same key only the newest is kept. Default: all have the same. */
  readonly keyOf?: (value: T) => string;
  /** Shortest time between two values of one key. */
  readonly keyGapMs?: number;
  /** Shortest time between any two values. */
  readonly gapMs?: number;
  readonly clock?: Clock;
}

const MONOTONIC: Clock = {
  nowMs: () => performance.now(),
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Gives the newest value of each key at a bounded rate: the first one at once, what follows it too soon only once the gap has passed, and then
 * as it is by then. So the newest value always comes in the end, and as many wait as there are keys. `return()` ends it at once.
 */
export class CoalescingQueue<T> implements LiveSubscription<T> {
  readonly #pending: Pending<T>;
  readonly #clock: Clock;
  readonly #onEnd: () => void;
  readonly #readers: PromiseWithResolvers<IteratorResult<T>>[] = [];
  #callOff: () => void = () => undefined;
  #failure: Error | null = null;
  #isOver = false;

  /** `onEnd` runs once, as soon as it takes nothing more. */
  constructor(options: CoalescingOptions<T>, onEnd: () => void = () => undefined) {
    this.#pending = new Pending(options);
    this.#clock = options.clock ?? MONOTONIC;
    this.#onEnd = onEnd;
  }

  /** How many values wait. */
  get waiting(): number {
    return this.#pending.size;
  }

  push(value: T): void {
    if (this.#isOver) return;
    this.#pending.put(value);
    this.#serve();
  }

  /** Everything that may be given now, for a reader that handles many at once; empty for what has ended. */
  takeAll(): T[] {
    const taken: T[] = [];
    for (let found = this.#take(); found; found = this.#take()) taken.push(found.value);
    return taken;
  }

  /** Takes nothing more; it is over once what waits was given. */
  end(): void {
    this.#finish();
    this.#serve();
  }

  /** Ends it at once; one reader gets the error. */
  fail(error: Error): void {
    if (this.#isOver) return;
    this.#failure = error;
    this.#drop();
  }

  next(): Promise<IteratorResult<T>> {
    const reader = Promise.withResolvers<IteratorResult<T>>();
    this.#readers.push(reader);
    this.#serve();
    return reader.promise;
  }

  return(): Promise<IteratorResult<T>> {
    this.#failure = null;
    this.#drop();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take() {
    return this.#pending.take(this.#clock.nowMs());
  }

  #drop(): void {
    this.#pending.clear();
    this.#finish();
    this.#serve();
  }

  #finish(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onEnd();
  }

  /** Gives the readers what may be given, and comes back when the next value may be. */
  #serve(): void {
    this.#callOff();
    while (this.#readers.length > 0) {
      const found = this.#take();
      if (!found) break;
      this.#readers.shift()?.resolve({ done: false, value: found.value });
    }
    if (this.#readers.length === 0) return;
    if (this.#pending.size > 0) {
      const waitMs = Math.ceil(this.#pending.dueMs - this.#clock.nowMs());
      this.#callOff = this.#clock.after(waitMs, () => this.#serve());
    } else if (this.#isOver) this.#release();
  }

  #release(): void {
    const failure = this.#failure;
    this.#failure = null;
    if (failure) this.#readers.shift()?.reject(failure);
    for (const reader of this.#readers.splice(0)) reader.resolve({ done: true, value: undefined });
  }
}

/** The newest value of each key, and when it may be given. */
class Pending<T> {
  readonly #options: Required<Omit<CoalescingOptions<T>, 'clock'>>;
  /** In the order in which their keys came. */
  readonly #values = new Map<string, T>();
  /** Keys whose gap lasts, in the order in which they were given. */
  readonly #givenAtMs = new Map<string, number>();
  #lastAtMs = -Infinity;

  constructor({ keyOf = () => '', keyGapMs = 0, gapMs = 0 }: CoalescingOptions<T>) {
    this.#options = { keyOf, keyGapMs, gapMs };
  }

  get size(): number {
    return this.#values.size;
  }

  put(value: T): void {
    this.#values.set(this.#options.keyOf(value), value);
  }

  clear(): void {
    this.#values.clear();
  }

  take(nowMs: number): { readonly value: T } | null {
    if (nowMs < this.#lastAtMs + this.#options.gapMs) return null;
    this.#forget(nowMs);
    for (const [key, value] of this.#values) {
      if (this.#givenAtMs.has(key)) continue;
      this.#values.delete(key);
      this.#givenAtMs.set(key, nowMs);
      this.#lastAtMs = nowMs;
      return { value };
    }
    return null;
  }

  /** When the next value may be given; Infinity where none waits. */
  get dueMs(): number {
    const { keyGapMs, gapMs } = this.#options;
    let firstMs = Infinity;
    for (const key of this.#values.keys())
      firstMs = Math.min(firstMs, (this.#givenAtMs.get(key) ?? -Infinity) + keyGapMs);
    return Math.max(firstMs, this.#lastAtMs + gapMs);
  }

  #forget(nowMs: number): void {
    for (const [key, atMs] of this.#givenAtMs) {
      if (nowMs < atMs + this.#options.keyGapMs) return;
      this.#givenAtMs.delete(key);
    }
  }
}

/**
 * Reads a source as fast as it goes, and gives what a CoalescingQueue gives. Ends with its source, and its source with it. A poll gives the newest
 * of each key that it has heard, and the next one comes after the longer gap.
 */
export function coalesce<T>(
  source: AsyncIterableIterator<T, unknown, void>,
  options: CoalescingOptions<T>,
  poll: Poll | null,
): AsyncIterableIterator<T, unknown, void> {
  const { keyOf = () => '', keyGapMs = 0, gapMs = 0 } = options;
  poll?.pace({ pauseMs: Math.max(keyGapMs, gapMs) });
  if (poll) return newestOf(source, keyOf);
  const queue = new CoalescingQueue(options, () => void source.return?.());
  void drain(source, queue);
  return queue;
}

async function* newestOf<T>(
  source: AsyncIterableIterator<T, unknown, void>,
  keyOf: (value: T) => string,
): AsyncGenerator<T, void, void> {
  const newest = new Map<string, T>();
  for await (const value of source) newest.set(keyOf(value), value);
  yield* newest.values();
}

async function drain<T>(source: AsyncIterator<T, unknown, void>, queue: CoalescingQueue<T>): Promise<void> {
  try {
    for (let item = await source.next(); !item.done; item = await source.next()) queue.push(item.value);
    queue.end();
  } catch (error) {
    queue.fail(error instanceof Error ? error : new Error(String(error)));
  }
}
