import type { Database } from '#platform/database.ts';
import { messageOf } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { followTopic, type TopicFeed } from '#platform/events/topic-feed.ts';
import type { Log } from '#platform/log.ts';
import {
  MEDIA_HEARTBEAT_MS,
  MEDIA_HEARTBEAT_TOPIC,
  mediaHeartbeat,
  type MediaHeartbeat,
} from '#schema/media-bus.ts';
import {
  findConnectedTo,
  findLost,
  findParticipantsById,
  listServerIds,
} from '../data/participant.repository.ts';
import { lostBefore, type LiveParticipant } from '../domain/participant.ts';
import type { MediaFleet } from './media-fleet.ts';
import type { Connection, Presence } from './presence.ts';
import type { RecordingWatch } from './recording-watch.ts';

export interface HeartbeatsDeps {
  readonly database: Database;
  readonly events: Events;
  readonly liveBus: LiveBus;
  readonly presence: Presence;
  readonly recordingWatch: RecordingWatch;
  readonly fleet: MediaFleet;
  readonly log: Log;
  readonly now: () => Date;
  /** How often to look for media servers that fell silent. */
  readonly sweepMs?: number;
}

/** A report and a durable event of the same moment may overtake each other by this much. */
const SETTLED_MS = 2 * MEDIA_HEARTBEAT_MS;
/** A server that is silent for this long is taken for dead. */
const SILENCE_MS = 4 * MEDIA_HEARTBEAT_MS;

/**
 * Compares what media servers say with who is on record as connected: a server that crashed reports nobody any more, and one whose network was cut
 * off reports people who were given up. Several processes may do this at once; the room's lock makes it one after the other.
 */
export function createHeartbeats(deps: HeartbeatsDeps) {
  const { database, liveBus, fleet, log, now, sweepMs = MEDIA_HEARTBEAT_MS } = deps;
  const heardAtMs = new Map<string, number>();
  let timer: NodeJS.Timeout | null = null;
  let startedAtMs = 0;
  let feed: TopicFeed | null = null;
  let working: Promise<void> = Promise.resolve();
  let sweeping = false;

  // One at a time: two reports of one server must not overtake each other.
  const enqueue = (run: () => Promise<void>) => {
    working = working
      .then(() => database.background(run))
      .catch((error: unknown) => {
        log.warn({ reason: messageOf(error) }, 'who is connected could not be compared');
      });
  };

  const sweep = async () => {
    for (const serverId of await listServerIds(database.fork())) {
      const silentSince = new Date(now().getTime() - SILENCE_MS);
      // Whoever has come to it since then proves that it lives: its heartbeats are lost, or it is younger than this process.
      if ((heardAtMs.get(serverId) ?? startedAtMs) < silentSince.getTime())
        await giveUp(deps, serverId, silentSince, []);
    }
    for (const { id, liveRoomId } of await findLost(database.fork(), lostBefore(now())))
      await deps.events.transact((tx) => deps.presence.lapsed(tx, { liveRoomId, participantId: id }));
    await deps.recordingWatch.sweep();
  };

  const hear = (heartbeat: MediaHeartbeat) => {
    heardAtMs.set(heartbeat.serverId, now().getTime());
    fleet.hear(heartbeat);
    enqueue(() => compare(deps, heartbeat));
    enqueue(() => deps.recordingWatch.compare(heartbeat));
  };

  return {
    start(): void {
      startedAtMs = now().getTime();
      const heartbeats = { topic: MEDIA_HEARTBEAT_TOPIC, schema: mediaHeartbeat, onMessage: hear };
      feed = followTopic({ ...heartbeats, liveBus, log });
      timer = setInterval(() => {
        // One that waits is enough: a slow database must not make them pile up.
        if (sweeping) return;
        sweeping = true;
        enqueue(() => sweep().finally(() => (sweeping = false)));
      }, sweepMs);
    },
    async stop(): Promise<void> {
      if (timer) clearInterval(timer);
      await feed?.close();
      await working;
    },
  };
}

async function compare(deps: HeartbeatsDeps, { serverId, rooms }: MediaHeartbeat): Promise<void> {
  const settledBefore = new Date(deps.now().getTime() - SETTLED_MS);
  const reported = rooms.flatMap(({ liveRoomId, participantIds }) =>
    participantIds.map((participantId): Connection => ({ liveRoomId, participantId, serverId })),
  );
  const ids = reported.map(({ participantId }) => participantId);
  await giveUp(deps, serverId, settledBefore, ids);
  const known = ids.length === 0 ? [] : await findParticipantsById(deps.database.fork(), ids);
  const missing = new Set(known.filter((one) => isMissing(one, settledBefore)).map(({ id }) => id));
  for (const connection of reported) {
    if (missing.has(connection.participantId))
      await deps.events.transact((tx) => deps.presence.connected(tx, connection));
  }
}

/** On record as away, and for so long that no event about it can still be on its way. */
const isMissing = (participant: LiveParticipant, settledBefore: Date): boolean => {
  const { status, lostAt, leftAt, grantedAt } = participant;
  return (status !== 'CONNECTED' || lostAt !== null) && (lostAt ?? leftAt ?? grantedAt) < settledBefore;
};

/** Marks as gone who is on record with this server but not among `reported`. */
async function giveUp(
  deps: HeartbeatsDeps,
  serverId: string,
  connectedBefore: Date,
  reported: readonly string[],
): Promise<void> {
  const here = new Set(reported);
  for (const { id, liveRoomId } of await findConnectedTo(deps.database.fork(), serverId, connectedBefore)) {
    if (here.has(id)) continue;
    const connection = { liveRoomId, participantId: id, serverId };
    await deps.events.transact((tx) => deps.presence.disconnected(tx, connection, 'CONNECTION_LOST'));
  }
}
