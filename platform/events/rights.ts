import { CodedError, messageOf, Refusal } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { Listening, Poll } from '#platform/polling/poll.ts';
import { endedStream, LiveStream } from './live-stream.ts';
import type { LiveBus, LiveSubscription } from './ports.ts';

/** A right that a subscription needs for as long as it lives. */
export interface LiveRight {
  /**
   * Looks at the state as it is. Rejects with a Refusal or CodedError where the caller has the right no longer: the subscription ends with it.
   * False: there is nothing left to follow, and the subscription is complete.
   */
  readonly check: () => Promise<boolean>;
  /** Live topics on which a message is a reason to look again. What the followed log says itself needs none. */
  readonly topics: readonly string[];
  /** Whether a message may have to do with this right. Default: each may. */
  readonly concerns?: (message: unknown) => boolean;
}

export interface RightOptions extends Listening {
  readonly liveBus: LiveBus;
  readonly log: Log;
  /** How often to look in case a message was lost. */
  readonly pollMs?: number;
}

const POLL_MS = 5_000;
const RETRY_MS = 1_000;
/** Whoever is further behind is told the reason alone. */
const MAX_BEFORE_LOSS = 100;

type Source<T> = AsyncIterableIterator<T, unknown, void>;

/**
 * A source for as long as a right lasts. Rejects where there is none; when it is lost, the stream ends with the reason, and gives nothing that
 * the source has not given before. The right is looked at once the source is open, and from then on with each message: between the two nothing
 * can change unseen.
 */
export async function whileEntitled<T>(
  right: LiveRight,
  open: () => Promise<Source<T>>,
  options: RightOptions,
): Promise<Source<T>> {
  const { poll, signal } = options;
  if (poll) return polledWhileEntitled(right, open, poll);
  const watch = new RightWatch(right, options);
  try {
    await watch.open();
    const source = await openAllowed(right, open);
    if (!source) watch.close();
    if (!source) return endedStream();
    const release = () => watch.close();
    const stream = new LiveStream({ source, step: (emit: T) => ({ emit }), release, signal });
    watch.start((reason) => stream.end(reason));
    return stream;
  } catch (error) {
    watch.close();
    throw error;
  }
}

/** Null where there is nothing to follow. Rejects as the check. */
async function openAllowed<T>(
  { check }: LiveRight,
  open: () => Promise<Source<T>>,
): Promise<Source<T> | null> {
  const source = await open();
  try {
    if (await check()) return source;
  } catch (error) {
    await source.return?.();
    throw error;
  }
  await source.return?.();
  return null;
}

/**
 * Each poll looks at the right. One whose caller was let in before gets what led up to the loss, as a stream that stays open would give it, and
 * then the reason.
 */
async function polledWhileEntitled<T>(
  right: LiveRight,
  open: () => Promise<Source<T>>,
  poll: Poll,
): Promise<Source<T>> {
  poll.messagesOn(right.topics);
  if (!poll.continues) return (await openAllowed(right, open)) ?? endedStream(poll);
  return polledOn(right, await open(), open, poll);
}

async function* polledOn<T>(
  { check }: LiveRight,
  source: Source<T>,
  reopen: () => Promise<Source<T>>,
  poll: Poll,
): AsyncGenerator<T, void, void> {
  let stands = true;
  const loss = await lossOf(async () => (stands = await check()));
  if (loss) {
    // What led to it may have come after the source was opened, which then ends before it.
    await source.return?.();
    return yield* whatLedTo(loss, await reopen());
  }
  yield* source;
  if (!stands) poll.finish();
}

/** What comes before a source fails, which knows how the right was lost; nothing of one that does not. */
async function* whatLedTo<T>(loss: Error, source: Source<T>): AsyncGenerator<T, void, void> {
  const before: T[] = [];
  try {
    for await (const item of source) {
      before.push(item);
      if (before.length > MAX_BEFORE_LOSS) throw loss;
    }
  } catch (error) {
    if (error !== loss) yield* before;
    throw error;
  }
  throw loss;
}

/** What a right is lost with, or null while it lasts. Rejects where that cannot be known now. */
export async function lossOf(check: LiveRight['check']): Promise<Error | null> {
  try {
    await check();
    return null;
  } catch (error) {
    if (error instanceof Refusal || error instanceof CodedError) return error;
    throw error;
  }
}

/** Looks at a right when a message says so, and from time to time. Looks never overlap; one that is asked for meanwhile follows. */
class RightWatch {
  readonly #right: LiveRight;
  readonly #options: RightOptions;
  readonly #closing = new AbortController();
  readonly #subscriptions = new Set<LiveSubscription>();
  #onOver: ((reason: Error | null) => void) | null = null;
  #poll: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isLooking = false;
  #isDue = false;

  constructor(right: LiveRight, options: RightOptions) {
    this.#right = right;
    this.#options = options;
  }

  /** Resolves once its topics are live, as far as the live bus can be reached. */
  async open(): Promise<void> {
    await Promise.all(
      this.#right.topics.map(async (topic) => {
        const subscription = await this.#subscribe(topic);
        void this.#follow(topic, subscription);
      }),
    );
  }

  /** Calls back once, when the right is lost (with the reason) or there is nothing left to follow. */
  start(onOver: (reason: Error | null) => void): void {
    this.#onOver = onOver;
    if (this.#closing.signal.aborted) return;
    const { pollMs = POLL_MS } = this.#options;
    if (this.#right.topics.length > 0) this.#poll = setInterval(() => this.#look(), pollMs).unref();
    if (this.#isDue) this.#look();
  }

  close(): void {
    this.#closing.abort();
    clearInterval(this.#poll);
    clearTimeout(this.#retry);
    for (const subscription of this.#subscriptions) void subscription.return();
  }

  #look(): void {
    this.#isDue = true;
    if (this.#onOver && !this.#isLooking) void this.#lookOn(this.#onOver);
  }

  async #lookOn(onOver: (reason: Error | null) => void): Promise<void> {
    this.#isLooking = true;
    while (this.#isDue && !this.#closing.signal.aborted) {
      this.#isDue = false;
      const over = await this.#verdict();
      if (over && !this.#closing.signal.aborted) onOver(over.reason);
    }
    this.#isLooking = false;
  }

  async #verdict(): Promise<{ readonly reason: Error | null } | null> {
    const { check } = this.#right;
    try {
      let stands = true;
      const reason = await lossOf(async () => (stands = await check()));
      return reason || !stands ? { reason } : null;
    } catch (error) {
      // What it cannot look at, it cannot tell either: events are read from the same database.
      this.#options.log.warn({ reason: messageOf(error) }, 'right not readable, will be looked at again');
      clearTimeout(this.#retry);
      this.#retry = setTimeout(() => this.#look(), RETRY_MS).unref();
      return null;
    }
  }

  async #follow(topic: string, first: LiveSubscription | null): Promise<void> {
    const { concerns = () => true } = this.#right;
    let subscription = first;
    while (subscription === null) {
      await this.#pause();
      if (this.#closing.signal.aborted) return;
      subscription = await this.#subscribe(topic);
      // What was told meanwhile was missed.
      this.#look();
    }
    // It ends with this watch, or because the bus is closed: this process goes down, and the stream with it.
    for await (const message of subscription) if (concerns(message)) this.#look();
  }

  async #subscribe(topic: string): Promise<LiveSubscription | null> {
    try {
      const subscription = await this.#options.liveBus.subscribe(topic);
      this.#subscriptions.add(subscription);
      if (this.#closing.signal.aborted) void subscription.return();
      return subscription;
    } catch (error) {
      this.#options.log.warn({ topic, reason: messageOf(error) }, 'no live messages about a right, polling');
      return null;
    }
  }

  #pause(): Promise<void> {
    return new Promise((resolve) => {
      setTimeout(resolve, RETRY_MS).unref();
      this.#closing.signal.addEventListener('abort', () => resolve(), { once: true });
    });
  }
}
