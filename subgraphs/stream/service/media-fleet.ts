import { MEDIA_HEARTBEAT_MS, type MediaHeartbeat } from '#schema/media-bus.ts';
import { rankBroadcasters, rankServers, type MediaCandidate } from '../domain/placement.ts';
import type { MediaLocation, MediaServers } from '../domain/ports.ts';
import { httpMediaServers } from './media-http.ts';

/** All media servers that say where they are. */
export interface MediaFleet extends MediaServers {
  hear(heartbeat: MediaHeartbeat): void;
  /** That one is gone. */
  forget(serverId: string): void;
  /** Another server that was reached at the same address, and so is gone; null where there is none. */
  formerAt(heartbeat: MediaHeartbeat): string | null;
}

interface Server extends MediaCandidate {
  readonly url: string;
  readonly publicUrl: string;
  readonly health: MediaServers;
  readonly heardAtMs: number;
  /** It did not answer, and has not been heard since: it is asked after all others. */
  silent: boolean;
}

/** A server that is silent for this long is not asked any more. */
const SILENCE_MS = 3 * MEDIA_HEARTBEAT_MS;

/**
 * Chooses among media servers by their load, and asks the one it chose for its health: one that was killed is passed over at once. `single` answers
 * where no server has told where it is, as those do that run alone.
 */
export function createMediaFleet(single: MediaServers, nowMs: () => number = Date.now): MediaFleet {
  const servers = new Map<string, Server>();

  return {
    hear({ serverId, available, address, load, rooms }) {
      if (!available || !address) return void servers.delete(serverId);
      const { internalUrl: url, publicUrl } = address;
      const known = servers.get(serverId);
      const webUrl = webUrlOf(publicUrl);
      const health =
        known?.publicUrl === publicUrl ? known.health : httpMediaServers({ url, publicUrl, webUrl });
      const liveRoomIds = rooms.map(({ liveRoomId }) => liveRoomId);
      const watchedRoomIds = rooms.filter(({ watching }) => watching).map((room) => room.liveRoomId);
      const where = { liveRoomIds, watchedRoomIds };
      servers.set(serverId, {
        serverId,
        load,
        ...where,
        url,
        publicUrl,
        health,
        heardAtMs: nowMs(),
        silent: false,
      });
    },
    forget: (serverId) => void servers.delete(serverId),
    formerAt({ serverId, address }) {
      const former = [...servers.values()].find(
        (one) => one.serverId !== serverId && one.url === address?.internalUrl,
      );
      return former?.serverId ?? null;
    },
    async locate(liveRoomId, purpose = 'enter') {
      for (const { serverId, heardAtMs } of servers.values())
        if (nowMs() - heardAtMs > SILENCE_MS) servers.delete(serverId);
      const rank = purpose === 'listen' ? rankBroadcasters : rankServers;
      const ranked = rank([...servers.values()], liveRoomId);
      let last: MediaLocation | null = null;
      for (const server of ranked.toSorted((a, b) => Number(a.silent) - Number(b.silent))) {
        last = await server.health.locate(liveRoomId);
        if (last.available) return last;
        server.silent = true;
      }
      return last ?? single.locate(liveRoomId);
    },
  };
}

/** A server that has an address of its own serves its broadcasts there, too. */
const webUrlOf = (socketUrl: string): string => new URL('/', socketUrl.replace(/^ws/, 'http')).href;
