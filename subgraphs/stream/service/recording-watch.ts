import type { Database } from '#platform/database.ts';
import type { Events } from '#platform/events/events.ts';
import { MEDIA_HEARTBEAT_MS, type MediaHeartbeat } from '#schema/media-bus.ts';
import {
  findActiveRecordings,
  findRecordingsById,
  findStopping,
  findTakes,
} from '../data/recording.repository.ts';
import { isActive } from '../domain/recording.ts';
import type { MediaOrders } from './media-orders.ts';
import type { RecordingReports } from './recording-reports.ts';

/** Keeps what media servers record and what they shall record the same, whatever orders were lost. */
export interface RecordingWatch {
  /** Sends orders to the media server of one recording again, as the recording is now. */
  order(recordingId: string): Promise<void>;
  /** Orders again what a heartbeat shows not to be carried out. A room that has just been opened is recorded by this. */
  compare(heartbeat: MediaHeartbeat): Promise<void>;
  /** Gives up recordings whose media server is gone for good. */
  sweep(): Promise<void>;
}

export interface RecordingWatchDeps {
  readonly database: Database;
  readonly events: Events;
  readonly orders: MediaOrders;
  readonly reports: RecordingReports;
  readonly now: () => Date;
}

/** No server says that it has begun: none has. */
const NEVER_BEGUN_MS = 6 * MEDIA_HEARTBEAT_MS;
/** A server that was killed finishes its takes when it starts again, if it ever does. */
const NEVER_FINISHED_MS = 3_600_000;

export function createRecordingWatch(deps: RecordingWatchDeps): RecordingWatch {
  const { database, events, orders, reports, now } = deps;
  return {
    async order(recordingId) {
      const [recording] = await findRecordingsById(database.fork(), [recordingId]);
      if (!recording) return;
      const { liveRoomId, mode } = recording;
      await orders.send(
        isActive(recording)
          ? { kind: 'startRecording', liveRoomId, recordingId, mode }
          : { kind: 'stopRecording', liveRoomId, recordingId },
      );
    },

    async compare({ rooms }) {
      if (rooms.length === 0) return;
      const ids = rooms.map(({ liveRoomId }) => liveRoomId);
      const wanted = await findActiveRecordings(database.fork(), ids);
      for (const { liveRoomId, recordingIds } of rooms) {
        const missing = wanted.filter(
          (one) => one.liveRoomId === liveRoomId && !recordingIds.includes(one.id),
        );
        const unwanted = recordingIds.filter((id) => !wanted.some((one) => one.id === id));
        for (const { id: recordingId, mode } of missing)
          await orders.trySend({ kind: 'startRecording', liveRoomId, recordingId, mode });
        for (const recordingId of unwanted)
          await orders.trySend({ kind: 'stopRecording', liveRoomId, recordingId });
      }
    },

    async sweep() {
      const neverBegun = new Date(now().getTime() - NEVER_BEGUN_MS);
      const neverFinished = new Date(now().getTime() - NEVER_FINISHED_MS);
      for (const recording of await findStopping(database.fork(), neverBegun)) {
        const takes = await findTakes(database.fork(), recording.id);
        const isWaitedFor = takes.some(({ durationMs }) => durationMs === null);
        if (isWaitedFor && (recording.endedAt ?? now()) > neverFinished) continue;
        await events.transact((tx) => reports.giveUp(tx, recording));
      }
    },
  };
}
