import { FILE_URL_TTL_MS } from '#platform/files/file-store.ts';
import type {
  RecordingChangedResolvers,
  RecordingFileResolvers,
  RecordingResolvers,
} from '../generated/resolvers.ts';

export const Recording: RecordingResolvers = {
  files: async ({ id, liveRoomId }, _args, { stage, recorded, viewer }) => {
    const room = await stage.roomsById.load(liveRoomId);
    return viewer && room?.hostId === viewer.userId ? [...(await recorded.filesOf(id))] : [];
  },
};

export const RecordingFile: RecordingFileResolvers = {
  participant: ({ participantId }, _args, { stage }) =>
    participantId === null ? null : stage.participantsById.load(participantId),
  url: ({ key }, _args, { files }) => files.urlOf(key, FILE_URL_TTL_MS),
};

// An event is written in one transaction with its recording, and recordings are never deleted.
export const RecordingChanged: RecordingChangedResolvers = {
  recording: async ({ recordingId }, _args, { recorded }) => (await recorded.byId.load(recordingId))!,
};
