import { messageOf } from '#platform/errors.ts';
import type { LiveBus, LiveSubscription } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import type { LiveMessage } from '#platform/polling/poll-protocol.ts';

export interface TopicListenerOptions {
  readonly liveBus: LiveBus;
  readonly onMessage: (message: LiveMessage) => void;
  readonly log: Log;
}

/** Listens to some topics of the live bus, which may become others. */
export class TopicListener {
  readonly #options: TopicListenerOptions;
  readonly #subscriptions = new Map<string, LiveSubscription>();
  #isClosed = false;

  constructor(options: TopicListenerOptions) {
    this.#options = options;
  }

  /** Whether all of these are listened to already. */
  hears(topics: readonly string[]): boolean {
    return topics.every((topic) => this.#subscriptions.has(topic));
  }

  /** Listens to these and no others. Resolves once they are live, as far as the live bus can be reached. Not to be called twice at once. */
  async listenTo(topics: readonly string[]): Promise<void> {
    const wanted = new Set(topics);
    for (const [topic, subscription] of this.#subscriptions)
      if (!wanted.has(topic)) this.#leave(topic, subscription);
    const missing = [...wanted].filter((topic) => !this.#subscriptions.has(topic));
    await Promise.all(missing.map((topic) => this.#join(topic)));
  }

  close(): void {
    this.#isClosed = true;
    for (const [topic, subscription] of this.#subscriptions) this.#leave(topic, subscription);
  }

  #leave(topic: string, subscription: LiveSubscription): void {
    this.#subscriptions.delete(topic);
    void subscription.return();
  }

  async #join(topic: string): Promise<void> {
    const { liveBus, log } = this.#options;
    try {
      const subscription = await liveBus.subscribe(topic);
      if (this.#isClosed) return void (await subscription.return());
      this.#subscriptions.set(topic, subscription);
      void this.#follow(topic, subscription);
    } catch (error) {
      log.warn({ topic, reason: messageOf(error) }, 'no live events, polling');
    }
  }

  async #follow(topic: string, subscription: LiveSubscription): Promise<void> {
    for await (const payload of subscription) this.#options.onMessage({ topic, payload });
    // Left already, or the bus was closed.
    if (this.#subscriptions.get(topic) === subscription) this.#subscriptions.delete(topic);
  }
}
