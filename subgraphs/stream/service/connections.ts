import type { LiveBus } from '#platform/events/ports.ts';
import { followTopic, type TopicFeed } from '#platform/events/topic-feed.ts';
import type { Log } from '#platform/log.ts';
import type { ParticipantConnection } from '#schema/connection-quality.ts';
import {
  MEDIA_HEARTBEAT_MS,
  MEDIA_HEARTBEAT_TOPIC,
  mediaHeartbeat,
  type MediaHeartbeat,
} from '#schema/media-bus.ts';

/** How well participants are connected, as media servers said it last. */
export interface Connections {
  find(participantId: string): ParticipantConnection | null;
  /** What that server said counts no more: it is gone. */
  forget(serverId: string): void;
  start(): void;
  stop(): Promise<void>;
}

/** What a server said counts for as long, though it says nothing more. */
const VALID_MS = 4 * MEDIA_HEARTBEAT_MS;

interface Said {
  readonly atMs: number;
  readonly connections: ReadonlyMap<string, ParticipantConnection>;
}

/** Kept in memory alone: every heartbeat replaces what its server said before. */
export function createConnections(deps: {
  readonly liveBus: LiveBus;
  readonly log: Log;
  readonly now: () => Date;
}): Connections {
  const { liveBus, log, now } = deps;
  const said = new Map<string, Said>();
  let feed: TopicFeed | null = null;

  const hear = ({ serverId, rooms }: MediaHeartbeat) => {
    const atMs = now().getTime();
    const all = rooms.flatMap(({ connections }) => connections);
    said.set(serverId, { atMs, connections: new Map(all.map((one) => [one.participantId, one])) });
    for (const [id, former] of said) if (atMs - former.atMs > VALID_MS) said.delete(id);
  };

  return {
    find(participantId) {
      const since = now().getTime() - VALID_MS;
      for (const { atMs, connections } of said.values()) {
        const found = atMs >= since && connections.get(participantId);
        if (found) return found;
      }
      return null;
    },
    forget: (serverId) => void said.delete(serverId),
    start() {
      const heartbeats = { topic: MEDIA_HEARTBEAT_TOPIC, schema: mediaHeartbeat, onMessage: hear };
      feed = followTopic({ ...heartbeats, liveBus, log });
    },
    stop: async () => feed?.close(),
  };
}
