import type { MediaHeartbeat } from '#schema/media-bus.ts';
import type { ParticipantInfo } from '#schema/signalling.ts';
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
  }[];
}

export function mediaStatus(
  serverId: string,
  availability: MediaAvailability,
  pool: WorkerPool | null,
  rooms: Rooms,
): MediaStatus {
  return {
    serverId,
    availability,
    workers: (pool?.workers ?? []).map((one) => ({ pid: one.worker.pid, rooms: one.rooms })),
    workerDeaths: pool?.deaths ?? 0,
    rooms: rooms.all.map(({ id, participants }) => ({ liveRoomId: id, participants })),
  };
}

export const heartbeatOf = ({ serverId, availability, rooms }: MediaStatus): MediaHeartbeat => ({
  serverId,
  available: availability.available,
  rooms: rooms.map(({ liveRoomId, participants }) => ({
    liveRoomId,
    participantIds: participants.map(({ participantId }) => participantId),
  })),
});
