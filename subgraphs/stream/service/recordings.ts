import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { newId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import type { RecordingMode } from '#schema/media-bus.ts';
import { findParticipantsOf } from '../data/participant.repository.ts';
import { countRecordings, insertRecording } from '../data/recording.repository.ts';
import { requireLive } from '../domain/live-room.ts';
import type { MediaServers } from '../domain/ports.ts';
import {
  alreadyRecorded,
  cannotMix,
  notRecorded,
  requireFewerRecordings,
  requireMayRecord,
  requireMayStop,
  type Recording,
} from '../domain/recording.ts';
import { requireRoom } from './live-rooms.ts';
import { recordRecording, stopRecording } from './recording-log.ts';

/** Starting and stopping recordings; media servers learn of it from the room's log. Each answers with the recording as it is after it. */
export interface Recordings {
  start(viewer: Viewer, liveRoomId: string, mode: RecordingMode): Promise<Recording>;
  stop(viewer: Viewer, liveRoomId: string): Promise<Recording>;
}

export interface RecordingsDeps {
  readonly events: Events;
  readonly media: MediaServers;
  readonly now: () => Date;
}

export function createRecordings({ events, media, now }: RecordingsDeps): Recordings {
  return {
    async start({ userId }, liveRoomId, mode) {
      // Asked before the transaction: nobody shall wait for a lock while a server does not answer.
      const location = await media.locate(liveRoomId);
      const start = async (tx: Transaction) => {
        const room = await requireRoom(tx.em, liveRoomId, userId, 'liveRoomId');
        requireMayRecord(room, userId, 'liveRoomId');
        requireLive(room, 'liveRoomId');
        requireFewerRecordings(await countRecordings(tx.em, liveRoomId));
        // A server that is away for a moment records once it is back; one that has nothing to mix with never mixes.
        if (mode !== 'PER_SPEAKER' && location.available && !location.canMix) throw cannotMix();
        const recording = newRecording(liveRoomId, mode, now());
        await insertRecording(tx.em, recording);
        await recordRecording(tx, room, recording, userId);
        return recording;
      };
      return events.transact(start).catch((error: unknown) => {
        throw error instanceof UniqueConstraintViolationException ? alreadyRecorded() : error;
      });
    },

    stop: ({ userId }, liveRoomId) =>
      events.transact(async (tx) => {
        const room = await requireRoom(tx.em, liveRoomId, userId, 'liveRoomId');
        const [participant = null] = await findParticipantsOf(tx.em, userId, [liveRoomId]);
        requireMayStop(room, userId, participant);
        const recording = await stopRecording(tx, room, userId, now());
        if (!recording) throw notRecorded();
        return recording;
      }),
  };
}

const newRecording = (liveRoomId: string, mode: RecordingMode, now: Date): Recording => ({
  id: newId('Recording', now.getTime()),
  liveRoomId,
  mode,
  state: 'STARTING',
  requestedAt: now,
  startedAt: null,
  endedAt: null,
  durationMs: null,
  problem: null,
});
