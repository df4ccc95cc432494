import type { LiveBus, LiveSubscription } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import { MEDIA_HEARTBEAT_TOPIC, mediaHeartbeat } from '#schema/media-bus.ts';

/** The other media servers, as far as their heartbeats are heard. */
export interface Neighbours {
  /** Whether one of them takes people in now. */
  readonly areAvailable: boolean;
  close(): Promise<void>;
}

export async function followNeighbours(options: {
  serverId: string;
  liveBus: LiveBus;
  /** One that is silent for this long does not count. */
  silenceMs: number;
  log: Log;
}): Promise<Neighbours> {
  const { serverId, liveBus, silenceMs, log } = options;
  const heardAtMs = new Map<string, number>();
  const heartbeats = await liveBus.subscribe(MEDIA_HEARTBEAT_TOPIC);
  const hearing = hear(heartbeats, serverId, heardAtMs).catch((error: unknown) => {
    log.warn({ err: error }, 'other media servers are not heard');
  });
  return {
    get areAvailable() {
      return [...heardAtMs.values()].some((atMs) => Date.now() - atMs < silenceMs);
    },
    async close() {
      await heartbeats.return();
      await hearing;
    },
  };
}

async function hear(
  heartbeats: LiveSubscription,
  ownId: string,
  heardAtMs: Map<string, number>,
): Promise<void> {
  for await (const message of heartbeats) {
    const { success, data } = mediaHeartbeat.safeParse(message);
    if (!success || data.serverId === ownId) continue;
    if (data.available && data.address) heardAtMs.set(data.serverId, Date.now());
    else heardAtMs.delete(data.serverId);
  }
}
