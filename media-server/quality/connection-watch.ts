import type { Log } from '#platform/log.ts';
import type { ConnectionsReport } from '#schema/media-bus.ts';
import { judgeConnection, type JudgedConnection } from '../domain/connection-quality.ts';
import type { Peer } from '../peer.ts';
import type { Room } from '../room.ts';
import { sampleConnection } from './sample.ts';

export interface ConnectionWatchOptions {
  readonly rooms: () => readonly Room[];
  /** Rooms in which somebody's quality is another than was reported, or somebody is new or gone. */
  readonly onReport: (report: ConnectionsReport) => void;
  readonly serverId: string;
  readonly workerCount: number;
  readonly sampleMs: number;
  readonly log: Log;
}

export interface ConnectionWatch {
  close(): void;
}

/** Of each worker's time, 100 questions a second take about one percent. */
const SAMPLES_PER_WORKER = 50;

/**
 * Looks at connections one after the other, those first that were not looked at for longest. Where there are more than can be looked at in one round,
 * it comes to each of them less often: what it costs does not grow.
 */
export function watchConnections(options: ConnectionWatchOptions): ConnectionWatch {
  const { rooms, sampleMs, workerCount, log } = options;
  const judged = new WeakMap<Peer, JudgedConnection>();
  const lastLooks = new WeakMap<Peer, number>();
  const reported = new WeakMap<Room, string>();
  let isLooking = false;
  let round = 0;

  const look = async (room: Room, peer: Peer) => {
    lastLooks.set(peer, round);
    const sample = await sampleConnection(peer.media, () => performance.now());
    const verdict = judgeConnection((peer.measured && judged.get(peer)) ?? null, sample);
    if (!verdict || !peer.joined) return;
    judged.set(peer, verdict);
    const { participantId } = peer;
    if (room.peers.setConnection(peer, { participantId, ...figuresOf(verdict) }))
      room.span?.touch(participantId);
  };

  const lookAround = async () => {
    if (isLooking) return;
    isLooking = true;
    round++;
    const all = rooms().flatMap((room) => room.peers.joined.map((peer) => ({ room, peer })));
    const due = all.toSorted((a, b) => (lastLooks.get(a.peer) ?? 0) - (lastLooks.get(b.peer) ?? 0));
    for (const { room, peer } of due.slice(0, SAMPLES_PER_WORKER * workerCount)) {
      // Something of it was closed meanwhile.
      await look(room, peer).catch((error: unknown) =>
        log.debug({ err: error }, 'a connection was not measured'),
      );
    }
    for (const room of rooms()) report(options, reported, room);
    isLooking = false;
  };
  const timer = setInterval(() => void lookAround(), sampleMs);
  return { close: () => clearInterval(timer) };
}

const figuresOf = ({ quality, score, lossRatio, jitterMs, roundTripMs }: JudgedConnection) => ({
  quality,
  score,
  lossRatio,
  jitterMs,
  roundTripMs,
});

function report(
  { serverId, onReport }: ConnectionWatchOptions,
  reported: WeakMap<Room, string>,
  room: Room,
): void {
  const { connections } = room.peers;
  const summary = connections.map(({ participantId, quality }) => `${participantId} ${quality}`).join();
  if (summary === (reported.get(room) ?? '')) return;
  reported.set(room, summary);
  onReport({ liveRoomId: room.id, serverId, connections });
}
