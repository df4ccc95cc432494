import type { LiveBus } from '#platform/events/ports.ts';
import type { HttpRoute } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import type { MediaListen } from '../deps.ts';
import { askOverHttp, linksRoute } from './link-http.ts';
import type { RoomDirectory } from './room-directory.ts';
import { RoomSpan, type SpanningRoom } from './room-span.ts';

export interface MeshDeps {
  readonly serverId: string;
  /** Null for a server that is the only one. */
  readonly directory: RoomDirectory | null;
  readonly liveBus: LiveBus;
  readonly listen: MediaListen;
  readonly secret: string;
  readonly renewalMs: number;
  readonly log: Log;
}

/** This server as one of several. Until it is announced, and without a directory, its rooms are its own. */
export interface Mesh {
  /** From now on other media servers may reach this one at `url`. */
  announce(url: string): void;
  /** What joins the room to the same room on other servers; null where there are none. */
  span(room: SpanningRoom): RoomSpan | null;
  readonly routes: readonly HttpRoute[];
  close(): void;
}

/** Renewals that a host may miss before it is taken for dead. */
const MISSED_RENEWALS = 3;

export function createMesh(deps: MeshDeps): Mesh {
  const { serverId, directory, liveBus, listen, secret, renewalMs, log } = deps;
  const spans = new Map<string, RoomSpan>();
  const ask = askOverHttp(secret);
  const renewal = setInterval(() => {
    for (const span of spans.values()) void span.renew();
  }, renewalMs);
  renewal.unref();
  let ownUrl: string | null = null;

  return {
    announce(url) {
      ownUrl = url;
    },
    span(room) {
      if (!directory || ownUrl === null) return null;
      const ttlMs = MISSED_RENEWALS * renewalMs;
      const options = { serverId, url: ownUrl, directory, liveBus, listen, ask, ttlMs, log };
      const span = new RoomSpan(room, options, () => {
        if (spans.get(room.id) === span) spans.delete(room.id);
      });
      spans.set(room.id, span);
      return span;
    },
    routes: [linksRoute(secret, async (request) => spans.get(request.liveRoomId)?.answer(request) ?? null)],
    close: () => clearInterval(renewal),
  };
}
