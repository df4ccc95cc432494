import { setTimeout as delay } from 'node:timers/promises';
import { backoffMs } from '#platform/events/backoff.ts';
import type { LiveBus, LiveSubscription } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import { MEDIA_CONTROL_TOPIC, mediaControl, type MediaControl } from '#schema/media-bus.ts';

export interface OrderFeed {
  close(): Promise<void>;
}

/** Hears the stream subgraph's orders until closed; resolves once it does. A subscription that ends is opened again. */
export async function listenForOrders(
  liveBus: LiveBus,
  onOrder: (order: MediaControl) => Promise<void>,
  log: Log,
): Promise<OrderFeed> {
  const closing = new AbortController();
  let subscription: LiveSubscription = await liveBus.subscribe(MEDIA_CONTROL_TOPIC);

  const listen = async () => {
    for (let failures = 0; !closing.signal.aborted;) {
      try {
        await hear(subscription, onOrder, log);
        if (closing.signal.aborted) return;
        failures++;
        await delay(backoffMs(failures), null, { signal: closing.signal });
        subscription = await liveBus.subscribe(MEDIA_CONTROL_TOPIC);
        failures = 0;
        // Closed meanwhile: nobody else would end this one.
        if (closing.signal.aborted) await subscription.return();
      } catch (error) {
        if (!closing.signal.aborted) log.warn({ err: error }, 'orders to the media server are not heard');
      }
    }
  };

  const listening = listen();
  return {
    async close() {
      closing.abort();
      await subscription.return();
      await listening;
    },
  };
}

async function hear(
  subscription: LiveSubscription,
  onOrder: (order: MediaControl) => Promise<void>,
  log: Log,
): Promise<void> {
  for await (const message of subscription) {
    const order = mediaControl.safeParse(message);
    if (!order.success) {
      log.warn({ err: order.error }, 'an order to the media server is malformed');
      continue;
    }
    // An order that fails must not silence the ones after it.
    await onOrder(order.data).catch((error: unknown) => log.error({ err: error }, 'an order failed'));
  }
}
