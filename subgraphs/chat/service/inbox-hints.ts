import { messageOf } from '#platform/errors.ts';
import type { LiveBus, LiveSubscription } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import type { Poll } from '#platform/polling/poll.ts';

/** When to look at an inbox again. */
export interface InboxHints {
  /** Listens to these topics and no others. Resolves once they are live, as far as the live bus can be reached. Not to be called twice at once. */
  listen(topics: readonly string[]): Promise<void>;
  /** Waits for a reason to look; false: there is none any more, or none in this poll. */
  next(): Promise<boolean>;
  /** Looks again in a moment, whatever is heard. */
  retry(): void;
  /** Ends it at once, also while `next` waits. */
  end(): void;
}

const LOOK_MS = 5_000;
const RETRY_MS = 1_000;
/** A busy room is looked at this often, however many write in it: each look shows it as it is by then. */
const GAP_MS = 200;

export function polledHints(poll: Poll): InboxHints {
  poll.pace({ pauseMs: GAP_MS });
  return {
    async listen(topics) {
      poll.messagesOn(topics);
    },
    async next() {
      poll.idle();
      return false;
    },
    retry: () => poll.pace({ againMs: RETRY_MS }),
    end: () => undefined,
  };
}

export interface LiveHintsDeps {
  readonly liveBus: LiveBus;
  readonly log: Log;
}

/** `next` also returns from time to time, in case a message was lost. */
export class LiveHints implements InboxHints {
  readonly #deps: LiveHintsDeps;
  readonly #subscriptions = new Map<string, LiveSubscription>();
  #topics: readonly string[] = [];
  #isHeard = false;
  #isOver = false;
  #earliestMs = 0;
  #latestMs = performance.now() + LOOK_MS;
  #wake: () => void = () => undefined;

  constructor(deps: LiveHintsDeps) {
    this.#deps = deps;
  }

  async listen(topics: readonly string[]): Promise<void> {
    this.#topics = topics;
    const wanted = new Set(topics);
    for (const [topic, subscription] of this.#subscriptions) {
      if (wanted.has(topic)) continue;
      this.#subscriptions.delete(topic);
      void subscription.return();
    }
    await this.#listenToMissing();
  }

  async next(): Promise<boolean> {
    await this.#untilDue();
    // Before the look: what was told until now was not heard.
    await this.#listenToMissing();
    this.#isHeard = false;
    this.#earliestMs = performance.now() + GAP_MS;
    this.#latestMs = performance.now() + LOOK_MS;
    return !this.#isOver;
  }

  retry(): void {
    this.#earliestMs = this.#latestMs = performance.now() + RETRY_MS;
  }

  end(): void {
    this.#isOver = true;
    for (const subscription of this.#subscriptions.values()) void subscription.return();
    this.#wake();
  }

  async #untilDue(): Promise<void> {
    while (!this.#isOver) {
      const waitMs = (this.#isHeard ? this.#earliestMs : this.#latestMs) - performance.now();
      if (waitMs <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async #listenToMissing(): Promise<void> {
    const missing = this.#topics.filter((topic) => !this.#subscriptions.has(topic));
    if (missing.length === 0 || this.#isOver) return;
    const outcomes = await Promise.allSettled(missing.map((topic) => this.#subscribe(topic)));
    const failures = outcomes.filter((outcome) => outcome.status === 'rejected');
    const [first] = failures;
    if (!first) return;
    const facts = { topics: failures.length, reason: messageOf(first.reason) };
    this.#deps.log.warn(facts, 'no live messages about an inbox, looking at it');
  }

  async #subscribe(topic: string): Promise<void> {
    const subscription = await this.#deps.liveBus.subscribe(topic);
    if (this.#isOver) return void subscription.return();
    this.#subscriptions.set(topic, subscription);
    void this.#follow(topic, subscription);
  }

  async #follow(topic: string, subscription: LiveSubscription): Promise<void> {
    for await (const _message of subscription) {
      this.#isHeard = true;
      this.#wake();
    }
    // Not one that was given up: the bus is closed, because this process goes down.
    if (this.#subscriptions.get(topic) === subscription) this.end();
  }
}
