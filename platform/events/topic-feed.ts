import { setTimeout as delay } from 'node:timers/promises';
import type { z } from 'zod';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import { backoffMs } from './backoff.ts';
import type { LiveBus, LiveSubscription } from './ports.ts';

export interface TopicFeed {
  close(): Promise<void>;
}

export interface TopicFeedOptions<T> {
  readonly liveBus: LiveBus;
  readonly topic: string;
  readonly schema: z.ZodType<T>;
  readonly onMessage: (message: T) => void;
  readonly log: Log;
}

/** Hears a topic of the live bus until closed; a subscription that ends is opened again. Messages of another shape are skipped. */
export function followTopic<T>({ liveBus, topic, schema, onMessage, log }: TopicFeedOptions<T>): TopicFeed {
  const closing = new AbortController();
  const { signal } = closing;
  let subscription: LiveSubscription | null = null;

  const hear = async () => {
    subscription = await liveBus.subscribe(topic);
    // Closed meanwhile: nobody else would end this one.
    if (signal.aborted) await subscription.return();
    for await (const message of subscription) {
      const parsed = schema.safeParse(message);
      if (parsed.success) onMessage(parsed.data);
    }
  };

  const listen = async () => {
    for (let failures = 1; !signal.aborted; failures++) {
      await hear().catch((error: unknown) => {
        log.warn({ topic, reason: messageOf(error) }, 'a topic of the live bus is not heard');
      });
      if (!signal.aborted) await delay(backoffMs(failures), null, { signal }).catch(() => null);
    }
  };

  const listening = listen();
  return {
    async close() {
      closing.abort();
      await subscription?.return();
      await listening;
    },
  };
}
