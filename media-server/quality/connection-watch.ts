import type { Log } from '#platform/log.ts';
import { MAX_REPORTED_CONNECTIONS, type ConnectionsReport } from '#schema/media-bus.ts';
import {
  judgeConnection,
  notableConnections,
  sentBps,
  type JudgedConnection,
} from '../domain/connection-quality.ts';
import { Rotation } from '../domain/rotation.ts';
import type { Peer } from '../peer.ts';
import type { Room } from '../room.ts';
import { sampleConnection } from './sample.ts';

export interface ConnectionWatchOptions {
  readonly rooms: () => readonly Room[];
  /** Rooms in which somebody's quality is another than was reported, or somebody is new or gone. */
  readonly onReport: (report: ConnectionsReport) => void;
  readonly serverId: string;
  readonly sampleMs: number;
  readonly log: Log;
}

export interface ConnectionWatch {
  close(): void;
}

/** Of each round. Measured: a sample takes 0.05 ms of the worker's time and 0.2 ms here, with ten speakers or with none. */
const MAX_SAMPLES = 250;
/** Four streams at the highest bitrate that Opus has, and what carries them. Whatever is sent goes to everybody in the room. */
const MAX_SENT_BPS = 3_000_000;

/**
 * Looks at connections one after the other, those first that were not looked at for longest. Where there are more than can be looked at in one round,
 * it comes to each of them less often: what it costs does not grow.
 */
export function watchConnections(options: ConnectionWatchOptions): ConnectionWatch {
  const { rooms, sampleMs, log } = options;
  const judged = new WeakMap<Peer, JudgedConnection>();
  const rotation = new Rotation<Peer>();
  const floods = new WeakSet<Peer>();
  const reported = new WeakMap<Room, string>();
  let isLooking = false;

  const look = async (room: Room, peer: Peer) => {
    const sample = await sampleConnection(peer.media, () => performance.now());
    const former = (peer.measured && judged.get(peer)) ?? null;
    const verdict = judgeConnection(former, sample);
    if (!verdict || !peer.joined) return;
    const bps = former && peer.isSending ? sentBps(former.sample, sample) : 0;
    if (bps <= MAX_SENT_BPS) floods.delete(peer);
    // Twice in a row: on a busy server one sample may be late, and the next one soon after it.
    else if (floods.has(peer)) return turnAway(peer, bps);
    else floods.add(peer);
    judged.set(peer, verdict);
    // Whoever is gone without a word keeps their seat for as short a time as those whose connection was closed.
    if (verdict.quality === 'LOST') peer.connection.probe();
    const { participantId } = peer;
    room.setConnection(peer, { participantId, ...figuresOf(verdict) });
  };

  const turnAway = ({ participantId, userId, connection }: Peer, bps: number) => {
    log.warn({ participantId, userId, bps: Math.round(bps) }, 'a participant sends more than audio can be');
    connection.close('RATE_LIMITED');
  };

  const lookAround = async () => {
    if (isLooking) return;
    isLooking = true;
    const seats = new Map(rooms().flatMap((room) => room.peers.joined.map((peer) => [peer, room])));
    for (const peer of rotation.take([...seats.keys()], MAX_SAMPLES)) {
      const room = seats.get(peer);
      // Something of it may be closed meanwhile.
      if (room) await look(room, peer).catch((error: unknown) => log.debug({ err: error }, 'not measured'));
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
  const connections = notableConnections(room.peers.joined, MAX_REPORTED_CONNECTIONS);
  const summary = connections.map(({ participantId, quality }) => `${participantId} ${quality}`).join();
  if (summary === (reported.get(room) ?? '')) return;
  reported.set(room, summary);
  onReport({ liveRoomId: room.id, serverId, connections });
}
