import type { LiveBus, LiveSubscription } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import { MEDIA_HEARTBEAT_TOPIC, mediaHeartbeat } from '#schema/media-bus.ts';
import type { VitalSigns } from './vital-signs.ts';

/** The other media servers, as far as their heartbeats are heard. One that is late is looked after: it may have been killed. */
export interface Neighbours {
  /** Whether one of them takes people in now. */
  readonly areAvailable: boolean;
  /** That one has ended. */
  forget(serverId: string): void;
  close(): Promise<void>;
}

interface Neighbour {
  readonly heardAtMs: number;
  readonly url: string;
}

/** A heartbeat that is late by this share of the time between two is worth a look. */
const LATE = 1.2;

export async function followNeighbours(options: {
  serverId: string;
  liveBus: LiveBus;
  vitalSigns: VitalSigns;
  /** Time between two heartbeats. */
  heartbeatMs: number;
  /** One that is silent for this long does not count. */
  silenceMs: number;
  log: Log;
}): Promise<Neighbours> {
  const { serverId, liveBus, vitalSigns, heartbeatMs, silenceMs, log } = options;
  const neighbours = new Map<string, Neighbour>();
  const heartbeats = await liveBus.subscribe(MEDIA_HEARTBEAT_TOPIC);
  const hearing = hear(heartbeats, serverId, neighbours).catch((error: unknown) => {
    log.warn({ err: error }, 'other media servers are not heard');
  });
  const watch = setInterval(() => {
    for (const [id, { heardAtMs, url }] of neighbours) {
      const silentMs = Date.now() - heardAtMs;
      if (silentMs >= silenceMs) neighbours.delete(id);
      else if (silentMs >= LATE * heartbeatMs) vitalSigns.doubt(id, url);
    }
  }, heartbeatMs / 5);
  watch.unref();
  return {
    get areAvailable() {
      return [...neighbours.values()].some(({ heardAtMs }) => Date.now() - heardAtMs < silenceMs);
    },
    forget: (goneId) => void neighbours.delete(goneId),
    async close() {
      clearInterval(watch);
      await heartbeats.return();
      await hearing;
    },
  };
}

async function hear(
  heartbeats: LiveSubscription,
  ownId: string,
  neighbours: Map<string, Neighbour>,
): Promise<void> {
  for await (const message of heartbeats) {
    const { success, data } = mediaHeartbeat.safeParse(message);
    if (!success || data.serverId === ownId) continue;
    const { available, address } = data;
    if (available && address)
      neighbours.set(data.serverId, { heardAtMs: Date.now(), url: address.internalUrl });
    else neighbours.delete(data.serverId);
  }
}
