import type { Database } from '#platform/database.ts';
import { messageOf } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { followTopic, type TopicFeed } from '#platform/events/topic-feed.ts';
import type { Log } from '#platform/log.ts';
import {
  MEDIA_GONE_TOPIC,
  MEDIA_HEARTBEAT_MS,
  MEDIA_HEARTBEAT_TOPIC,
  mediaGone,
  mediaHeartbeat,
  type MediaGone,
  type MediaHeartbeat,
} from '#schema/media-bus.ts';
import {
  findConnectedTo,
  findLost,
  findParticipantsById,
  listServerIds,
} from '../data/participant.repository.ts';
import { lostBefore, type LiveParticipant } from '../domain/participant.ts';
import type { Connections } from './connections.ts';
import type { ListenerCounts } from './listener-counts.ts';
import type { MediaFleet } from './media-fleet.ts';
import type { Connection, Presence } from './presence.ts';
import type { RecordingWatch } from './recording-watch.ts';

export interface HeartbeatsDeps {
  readonly database: Database;
  readonly events: Events;
  readonly liveBus: LiveBus;
  readonly presence: Presence;
  readonly recordingWatch: RecordingWatch;
  readonly listenerCounts: ListenerCounts;
  readonly connections: Connections;
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

/** Media servers as this process knows them. */
interface Census {
  readonly heardAtMs: Map<string, number>;
  /** Those that have ended: ids are new with every start, so none of them comes back. */
  readonly gone: Set<string>;
  /** None can have been heard before. */
  startedAtMs: number;
}

/**
 * Compares what media servers say with who is on record as connected: a server that crashed reports nobody any more, and one whose network was cut
 * off reports people who were given up. Several processes may do this at once; the room's lock makes it one after the other.
 */
export function createHeartbeats(deps: HeartbeatsDeps) {
  const { liveBus, fleet, log, now, sweepMs = MEDIA_HEARTBEAT_MS } = deps;
  const census: Census = { heardAtMs: new Map(), gone: new Set(), startedAtMs: 0 };
  const turns = createTurns(deps);
  let timer: NodeJS.Timeout | null = null;
  let feeds: readonly TopicFeed[] = [];
  let sweeping = false;

  // Whoever was connected to it comes back by another one, or has left when the time for that is over.
  const bury = ({ serverId }: MediaGone) => {
    if (census.gone.has(serverId)) return;
    census.gone.add(serverId);
    census.heardAtMs.delete(serverId);
    fleet.forget(serverId);
    deps.connections.forget(serverId);
    turns.enqueue(() => giveUp(deps, serverId, now(), []));
  };

  const hear = (heartbeat: MediaHeartbeat) => {
    // The one that took it for gone could not see it.
    census.gone.delete(heartbeat.serverId);
    const former = fleet.formerAt(heartbeat);
    if (former !== null) bury({ serverId: former });
    census.heardAtMs.set(heartbeat.serverId, now().getTime());
    fleet.hear(heartbeat);
    turns.enqueue(() => compare(deps, heartbeat));
    turns.enqueue(() => deps.recordingWatch.compare(heartbeat));
  };

  return {
    start(): void {
      census.startedAtMs = now().getTime();
      const heartbeats = { topic: MEDIA_HEARTBEAT_TOPIC, schema: mediaHeartbeat, onMessage: hear };
      const ends = { topic: MEDIA_GONE_TOPIC, schema: mediaGone, onMessage: bury };
      feeds = [followTopic({ ...heartbeats, liveBus, log }), followTopic({ ...ends, liveBus, log })];
      timer = setInterval(() => {
        // One that waits is enough: a slow database must not make them pile up.
        if (sweeping) return;
        sweeping = true;
        turns.enqueue(() => sweep(deps, census).finally(() => (sweeping = false)));
      }, sweepMs);
    },
    async stop(): Promise<void> {
      if (timer) clearInterval(timer);
      await Promise.all(feeds.map((feed) => feed.close()));
      await turns.idle();
    },
  };
}

// One at a time: two reports of one server must not overtake each other.
function createTurns({ database, log }: HeartbeatsDeps) {
  let working: Promise<void> = Promise.resolve();
  return {
    enqueue(run: () => Promise<void>): void {
      working = working
        .then(() => database.background(run))
        .catch((error: unknown) => {
          log.warn({ reason: messageOf(error) }, 'who is connected could not be compared');
        });
    },
    idle: () => working,
  };
}

async function sweep(deps: HeartbeatsDeps, { heardAtMs, gone, startedAtMs }: Census): Promise<void> {
  const { database, now } = deps;
  for (const serverId of await listServerIds(database.fork())) {
    const silentSince = new Date(now().getTime() - SILENCE_MS);
    // That somebody had come to it may have been told late.
    if (gone.has(serverId)) await giveUp(deps, serverId, now(), []);
    // Whoever has come to it since then proves that it lives: its heartbeats are lost, or it is younger than this process.
    else if ((heardAtMs.get(serverId) ?? startedAtMs) < silentSince.getTime())
      await giveUp(deps, serverId, silentSince, []);
  }
  for (const { id, liveRoomId } of await findLost(database.fork(), lostBefore(now())))
    await deps.events.transact((tx) => deps.presence.lapsed(tx, { liveRoomId, participantId: id }));
  await deps.recordingWatch.sweep();
  await deps.listenerCounts.sweep();
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
