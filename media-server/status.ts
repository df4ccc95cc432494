import type { ParticipantConnection } from '#schema/connection-quality.ts';
import type { MediaHeartbeat } from '#schema/media-bus.ts';
import type { ParticipantInfo } from '#schema/signalling.ts';
import type { Recorder } from './recording/recorder.ts';
import type { Rooms } from './rooms.ts';
import type { WorkerPool } from './workers.ts';

export type MediaAvailability =
  { readonly available: true } | { readonly available: false; readonly reason: string };

export interface MediaStatus {
  readonly serverId: string;
  readonly availability: MediaAvailability;
  readonly workers: readonly { readonly pid: number; readonly rooms: number }[];
  /** Workers that died since the start. */
  readonly workerDeaths: number;
  /** Open rooms with those who have joined. */
  readonly rooms: readonly {
    readonly liveRoomId: string;
    readonly participants: readonly ParticipantInfo[];
    /** Whether all of its voices are had here. */
    readonly watching: boolean;
    /** Recordings of it that are written now. */
    readonly recordingIds: readonly string[];
    /** How well participants are connected. */
    readonly connections: readonly ParticipantConnection[];
    /** Its routers, the home first: the worker, and how many peers are placed there. */
    readonly routers: readonly { readonly pid: number; readonly peers: number }[];
    /** Streams that are piped from one of its routers to another. */
    readonly pipes: number;
    /** Streams that come from other servers, and that are sent there. */
    readonly links: { readonly imported: number; readonly exported: number };
    /** Those who have joined on other servers. */
    readonly remoteParticipants: readonly ParticipantInfo[];
  }[];
}

export function mediaStatus(
  serverId: string,
  availability: MediaAvailability,
  pool: WorkerPool | null,
  rooms: Rooms,
  recorder: Recorder,
): MediaStatus {
  return {
    serverId,
    availability,
    workers: (pool?.workers ?? []).map((one) => ({ pid: one.worker.pid, rooms: one.rooms })),
    workerDeaths: pool?.deaths ?? 0,
    rooms: rooms.all.map(({ id, participants, peers, attendance, audio, span }) => ({
      liveRoomId: id,
      participants,
      watching: audio.isWatching,
      connections: peers.connections,
      remoteParticipants: attendance.elsewhere,
      routers: audio.routers.map(({ host, seats }) => ({ pid: host.worker.pid, peers: seats })),
      pipes: audio.pipes,
      links: span?.links ?? { imported: 0, exported: 0 },
      recordingIds: recorder.recordingsOf(id),
    })),
  };
}

/** `capacity` is how many streams the server is meant to hand to participants. */
export const heartbeatOf = (
  { serverId, availability, rooms }: MediaStatus,
  address: MediaHeartbeat['address'],
  capacity: number,
): MediaHeartbeat => ({
  serverId,
  available: availability.available,
  address,
  load: rooms.reduce((sum, room) => sum + demandOf(room), 0) / capacity,
  rooms: rooms.map(({ liveRoomId, participants, watching, recordingIds, connections }) => ({
    liveRoomId,
    watching,
    participantIds: participants.map(({ participantId }) => participantId),
    recordingIds: [...recordingIds],
    connections: [...connections],
  })),
});

// Everybody hears everybody: so it is as soon as all have asked for it.
function demandOf({ participants, remoteParticipants }: MediaStatus['rooms'][number]): number {
  const streams = [...participants, ...remoteParticipants].flatMap(({ producers }) => producers);
  return participants.length * Math.max(1, streams.length);
}
