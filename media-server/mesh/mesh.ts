import type { LiveBus } from '#platform/events/ports.ts';
import type { HttpRoute } from '#platform/http.ts';
import type { Log } from '#platform/log.ts';
import type { MediaListen } from '../deps.ts';
import { MEDIA_GONE_TOPIC, type MediaGone, type MediaHeartbeat } from '#schema/media-bus.ts';
import { askOverHttp, linksRoute } from './link-http.ts';
import { followNeighbours, type Neighbours } from './neighbours.ts';
import type { RoomDirectory } from './room-directory.ts';
import { RoomSpan, type SpanningRoom } from './room-span.ts';
import { createVitalSigns, identityRoute } from './vital-signs.ts';

type MediaAddress = NonNullable<MediaHeartbeat['address']>;

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
  /** From now on other media servers and clients may reach this one. Rejects where the live bus cannot be subscribed to. */
  announce(address: MediaAddress): Promise<void>;
  readonly address: MediaAddress | null;
  /** Whether another server takes people in. */
  readonly hasNeighbours: boolean;
  /** What joins the room to the same room on other servers; null where there are none. */
  span(room: SpanningRoom): RoomSpan | null;
  readonly routes: readonly HttpRoute[];
  close(): Promise<void>;
}

/** Renewals that a host may miss before it is taken for dead. */
const MISSED_RENEWALS = 3;

// Whoever does not hear it notices that the server has fallen silent.
function tellOfEnd({ liveBus, log }: MeshDeps, serverId: string): void {
  liveBus.publish(MEDIA_GONE_TOPIC, { serverId } satisfies MediaGone).catch((error: unknown) => {
    log.debug({ err: error, serverId }, 'the end of a media server was not told');
  });
}

export function createMesh(deps: MeshDeps): Mesh {
  const { serverId, directory, liveBus, listen, secret, renewalMs, log } = deps;
  const spans = new Map<string, RoomSpan>();
  const ask = askOverHttp(secret);
  const onGone = (goneId: string) => {
    log.warn({ goneId }, 'another media server has ended');
    neighbours?.forget(goneId);
    for (const span of spans.values()) span.bury(goneId);
    tellOfEnd(deps, goneId);
  };
  const vitalSigns = createVitalSigns({ secret, onGone, log });
  const ttlMs = MISSED_RENEWALS * renewalMs;
  const renewal = setInterval(() => {
    for (const span of spans.values()) void span.renew();
  }, renewalMs);
  renewal.unref();
  let own: MediaAddress | null = null;
  let neighbours: Neighbours | null = null;

  return {
    async announce(address) {
      const times = { heartbeatMs: renewalMs, silenceMs: ttlMs };
      neighbours ??= await followNeighbours({ serverId, liveBus, vitalSigns, ...times, log });
      own = address;
    },
    get address() {
      return own;
    },
    get hasNeighbours() {
      return neighbours?.areAvailable ?? false;
    },
    span(room) {
      if (!directory || own === null) return null;
      const { internalUrl: url } = own;
      const options = { serverId, url, directory, liveBus, listen, ask, vitalSigns, ttlMs, log };
      const span = new RoomSpan(room, options, () => {
        if (spans.get(room.id) === span) spans.delete(room.id);
      });
      spans.set(room.id, span);
      return span;
    },
    routes: [
      linksRoute(secret, async (request) => spans.get(request.liveRoomId)?.answer(request) ?? null),
      identityRoute(secret, serverId),
    ],
    async close() {
      clearInterval(renewal);
      await neighbours?.close();
    },
  };
}
