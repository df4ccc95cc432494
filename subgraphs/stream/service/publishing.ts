import { Readable } from 'node:stream';
import type { Database } from '#platform/database.ts';
import type { FileStore } from '#platform/files/file-store.ts';
import { isId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import { findVisibleRooms } from '../data/live-room.repository.ts';
import { findFiles, findRecordingsById } from '../data/recording.repository.ts';
import { fileToPublish, noRecording, requireMayRecord } from '../domain/recording.ts';
import type { Track } from '../domain/track.ts';
import type { Tracks, UploadInput } from './tracks.ts';

export interface PublishInput extends Omit<UploadInput, 'file'> {
  readonly fileId?: string | null;
}

/** Makes tracks of recordings. */
export interface Publishing {
  /** Repeated with the same key it answers with the track made before. */
  publish(viewer: Viewer, recordingId: string, input: PublishInput): Promise<Track>;
}

export interface PublishingDeps {
  readonly database: Database;
  readonly files: FileStore;
  readonly tracks: Tracks;
}

export function createPublishing({ database, files, tracks }: PublishingDeps): Publishing {
  return {
    async publish(viewer, recordingId, { fileId = null, ...input }) {
      const em = database.fork();
      const [recording] = isId('Recording', recordingId) ? await findRecordingsById(em, [recordingId]) : [];
      const [room] = recording ? await findVisibleRooms(em, viewer.userId, [recording.liveRoomId]) : [];
      if (!room) throw noRecording(recordingId);
      requireMayRecord(room, viewer.userId, 'recordingId');
      const { key } = fileToPublish(await findFiles(em, [recordingId]), fileId);
      const upload = { createReadStream: () => Readable.from(contentOf(files, key), { objectMode: false }) };
      return tracks.upload(viewer, { ...input, file: Promise.resolve(upload) });
    },
  };
}

async function* contentOf(files: FileStore, key: string): AsyncGenerator<Buffer> {
  yield* (await files.read(key)) as AsyncIterable<Buffer>;
}
