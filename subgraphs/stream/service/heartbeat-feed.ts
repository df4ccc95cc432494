import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '#platform/errors.ts';
import { backoffMs } from '#platform/events/backoff.ts';
import type { LiveBus, LiveSubscription } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import { MEDIA_HEARTBEAT_TOPIC, mediaHeartbeat, type MediaHeartbeat } from '#schema/media-bus.ts';

export interface HeartbeatFeed {
  close(): Promise<void>;
}

/** Hears every media server until closed; a subscription that ends is opened again. Messages of another shape are skipped. */
export function followHeartbeats(
  liveBus: LiveBus,
  onHeartbeat: (heartbeat: MediaHeartbeat) => void,
  log: Log,
): HeartbeatFeed {
  const closing = new AbortController();
  const { signal } = closing;
  let subscription: LiveSubscription | null = null;

  const hear = async () => {
    subscription = await liveBus.subscribe(MEDIA_HEARTBEAT_TOPIC);
    // Closed meanwhile: nobody else would end this one.
    if (signal.aborted) await subscription.return();
    for await (const message of subscription) {
      const heartbeat = mediaHeartbeat.safeParse(message);
      if (heartbeat.success) onHeartbeat(heartbeat.data);
    }
  };

  const listen = async () => {
    for (let failures = 1; !signal.aborted; failures++) {
      await hear().catch((error: unknown) => {
        log.warn({ reason: messageOf(error) }, 'heartbeats of media servers are not heard');
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
