import { setTimeout as sleep } from 'node:timers/promises';
import type { Database } from '#platform/database.ts';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { encodeCursor, type Cursor } from './cursor.ts';
import { openMessage } from './envelope.ts';
import { head, read, type StreamHead } from './event-log.ts';
import type { AnyEvent, LiveBus, LiveSubscription } from './ports.ts';
import { resyncReason, TailWindow, type ResyncReason } from './tail-window.ts';

/** `resync`: what lies between the last item and `cursor` can no longer be replayed; load the state afresh, the stream goes on from there. */
export type TailItem =
  | { readonly kind: 'event'; readonly event: AnyEvent; readonly cursor: Cursor }
  | { readonly kind: 'resync'; readonly reason: ResyncReason; readonly cursor: Cursor };

/** `return()` ends it, also while a `next()` waits, and frees what it holds. */
export interface StreamTail extends AsyncIterableIterator<TailItem, void, void> {
  return(): Promise<IteratorResult<TailItem, void>>;
}

export interface TailOptions {
  readonly database: Pick<Database, 'fork' | 'background'>;
  readonly liveBus: LiveBus;
  readonly log: Log;
  readonly stream: string;
  /** Null starts behind the newest event. */
  readonly after: Cursor | null;
  readonly signal?: AbortSignal | undefined;
  /** Called with the cursor text behind which it starts. */
  readonly onStart?: ((cursor: string) => void) | undefined;
  /** How often to look at the log in case the last live message was lost. */
  readonly pollMs?: number;
  /** Live events held for a slow reader; beyond that it reads the log. */
  readonly maxEvents?: number;
}

const POLL_MS = 5_000;
const RETRY_MS = 1_000;
const READ_EVENTS = 100;

/**
 * Events of a stream from `after` on: no gap, no duplicate, in order, at any reader's pace. The log is the truth; live messages only tell early
 * what it says. Resolves once it is live; a database that is away later is waited for.
 */
export async function tailStream(options: TailOptions): Promise<StreamTail> {
  // Subscribed before the head is read: an event committed in between is seen by one of the two.
  const subscription = await trySubscribe(options);
  try {
    const streamHead = await head(options.database.fork(), options.stream);
    const now = { epoch: streamHead.epoch, seq: streamHead.lastSeq };
    const window = new TailWindow(options.after ?? now, options.maxEvents ?? READ_EVENTS);
    window.hear(streamHead.lastSeq);
    options.onStart?.(encodeCursor(window.cursor));
    return new Tail(options, window, subscription);
  } catch (error) {
    await subscription?.return();
    throw error;
  }
}

async function trySubscribe({ liveBus, stream, log }: TailOptions): Promise<LiveSubscription | null> {
  try {
    return await liveBus.subscribe(stream);
  } catch (error) {
    log.warn({ stream, reason: messageOf(error) }, 'no live events, following the log');
    return null;
  }
}

class Tail implements StreamTail {
  readonly #options: TailOptions;
  readonly #window: TailWindow;
  #subscription: LiveSubscription | null;
  #ended = false;
  // A cursor given from outside may be of another life of the stream, or older than the log.
  #headDue = true;
  #wake: () => void = () => undefined;
  #last: Promise<unknown> = Promise.resolve();

  constructor(options: TailOptions, window: TailWindow, subscription: LiveSubscription | null) {
    this.#options = options;
    this.#window = window;
    this.#subscription = subscription;
    if (options.signal?.aborted) this.#end();
    options.signal?.addEventListener('abort', this.#end, { once: true });
    void this.#follow();
  }

  next(): Promise<IteratorResult<TailItem, void>> {
    // One at a time, also for callers that ask for several items at once.
    const result = this.#last.then(() => this.#nextItem());
    this.#last = result.catch(() => undefined);
    return result;
  }

  return(): Promise<IteratorResult<TailItem, void>> {
    this.#end();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #end = (): void => {
    this.#ended = true;
    this.#options.signal?.removeEventListener('abort', this.#end);
    void this.#subscription?.return();
    this.#wake();
  };

  async #nextItem(): Promise<IteratorResult<TailItem, void>> {
    while (!this.#ended) {
      const item = await this.#advance().catch((error: unknown) => this.#recover(error));
      if (item && !this.#ended) return { done: false, value: item };
    }
    return { done: true, value: undefined };
  }

  /** One attempt to have something to give: from the window, else from the log, else after a pause. */
  async #advance(): Promise<TailItem | null> {
    const window = this.#window;
    const unborn = window.cursor.epoch === 0 && window.knownSeq > 0;
    if (this.#headDue || unborn) {
      const resync = await this.#checkHead();
      this.#headDue = false;
      if (resync) return resync;
    }
    const event = window.take();
    if (event) return { kind: 'event', event, cursor: window.cursor };
    if (window.behind) return this.#readOn();
    await this.#pause(this.#subscription === null ? RETRY_MS : (this.#options.pollMs ?? POLL_MS));
    return null;
  }

  async #recover(error: unknown): Promise<null> {
    if (error instanceof CodedError) {
      this.#end();
      throw error;
    }
    const { log, stream } = this.#options;
    log.warn({ stream, reason: messageOf(error) }, 'event log not readable, waiting');
    await this.#pause(RETRY_MS);
    return null;
  }

  async #checkHead(): Promise<TailItem | null> {
    const { database, stream } = this.#options;
    const window = this.#window;
    const streamHead = await head(database.fork(), stream);
    const reason = resyncReason(window.cursor, streamHead);
    if (reason !== null) return this.#resync(reason, streamHead);
    if (window.cursor.epoch === 0) window.adoptEpoch(streamHead.epoch);
    window.hear(streamHead.lastSeq);
    return null;
  }

  async #readOn(): Promise<TailItem | null> {
    const { database, stream } = this.#options;
    const window = this.#window;
    const { cursor, knownSeq } = window;
    const events = await read(database.fork(), stream, { afterSeq: cursor.seq, limit: READ_EVENTS });
    const [first] = events;
    // The log was shortened while this reader was on its way.
    if (first && first.seq !== cursor.seq + 1)
      return this.#resync('WINDOW_EXPIRED', await head(database.fork(), stream));
    for (const event of events) window.offer(event);
    if (first === undefined) {
      window.disbelieve(knownSeq);
      this.#headDue = true;
    }
    return null;
  }

  #resync(reason: ResyncReason, { epoch, lastSeq }: StreamHead): TailItem {
    const cursor = { epoch, seq: lastSeq };
    this.#window.moveTo(cursor);
    return { kind: 'resync', reason, cursor };
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      if (this.#ended || this.#window.ready) return resolve();
      const timer = setTimeout(() => {
        this.#headDue = true;
        resolve();
      }, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #follow(): Promise<void> {
    while (!this.#ended) {
      if (this.#subscription === null) {
        await this.#resubscribe();
        continue;
      }
      await this.#drain(this.#subscription);
      // Ended by `return()`, or the bus was closed because this process goes down.
      this.#end();
    }
  }

  async #resubscribe(): Promise<void> {
    await sleep(RETRY_MS, undefined, { ref: false });
    if (this.#ended) return;
    const subscription = await trySubscribe(this.#options);
    if (this.#ended) return void subscription?.return();
    this.#subscription = subscription;
    // What was committed while there was no subscription is in the log.
    this.#headDue = true;
    this.#wake();
  }

  async #drain(subscription: LiveSubscription): Promise<void> {
    for await (const message of subscription) {
      const event = openMessage(message);
      if (event?.stream !== this.#options.stream) continue;
      this.#window.offer(event);
      this.#wake();
    }
  }
}
