import type { Em } from '#platform/database.ts';
import { idsOf } from '#platform/ids.ts';
import { createGroupLoader, createLoader, type Loader } from '#platform/loader.ts';
import {
  findActiveRecordings,
  findFiles,
  findRecordingsById,
  listRecordings,
} from '../data/recording.repository.ts';
import type { Recording, RecordingFile } from '../domain/recording.ts';

/** Reads of recordings in one operation. Whoever sees a room sees that it is recorded. */
export interface RecordingReads {
  readonly byId: Loader<Recording>;
  /** By room: the recording that is being made. */
  readonly active: Loader<Recording>;
  ofRoom(liveRoomId: string): Promise<readonly Recording[]>;
  filesOf(recordingId: string): Promise<readonly RecordingFile[]>;
}

export function createRecordingReads(em: Em): RecordingReads {
  const ofRoom = createGroupLoader(
    (ids) => listRecordings(em, ids),
    (recording) => recording.liveRoomId,
  );
  const files = createGroupLoader(
    (ids) => findFiles(em, ids),
    (file) => file.recordingId,
  );
  return {
    byId: createLoader(
      (ids) => findRecordingsById(em, idsOf('Recording', ids)),
      (recording) => recording.id,
    ),
    active: createLoader(
      (ids) => findActiveRecordings(em, ids),
      (recording) => recording.liveRoomId,
    ),
    ofRoom: (liveRoomId) => ofRoom.load(liveRoomId),
    filesOf: (recordingId) => files.load(recordingId),
  };
}
