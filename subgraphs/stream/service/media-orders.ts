import { messageOf } from '#platform/errors.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import { MEDIA_CONTROL_TOPIC, type MediaControl } from '#schema/media-bus.ts';

export interface MediaOrders {
  /** Rejects where the order could not be sent. */
  send(order: MediaControl): Promise<void>;
  /** For orders that reconciliation sends again where they were lost: a failure is logged. */
  trySend(order: MediaControl): Promise<void>;
}

/** Orders to whichever media server hosts the room. They may get lost, as everything on the live bus. */
export function createMediaOrders({ liveBus, log }: { liveBus: LiveBus; log: Log }): MediaOrders {
  const send = (order: MediaControl) => liveBus.publish(MEDIA_CONTROL_TOPIC, order);
  return {
    send,
    trySend: (order) =>
      send(order).catch((error: unknown) => {
        log.warn({ order, reason: messageOf(error) }, 'order to the media servers not sent');
      }),
  };
}
