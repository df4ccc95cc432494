import type { Em } from '#platform/database.ts';
import { textArray } from '#platform/text-array.ts';
import {
  MAX_RECORDINGS,
  type Recording,
  type RecordingFile,
  type RecordingTake,
} from '../domain/recording.ts';
import {
  RecordingEntity,
  RecordingFileEntity,
  RecordingTakeEntity,
  type RecordingRow,
} from './recording.entity.ts';

const ACTIVE = ['STARTING', 'RECORDING'] as const;

export async function findRecordingsById(em: Em, ids: readonly string[]): Promise<Recording[]> {
  const rows = await em.find(RecordingEntity, { id: { $in: [...ids] } }, { refresh: true });
  return rows.map(toRecording);
}

/** The recordings that are being made of these rooms, one each at most. */
export async function findActiveRecordings(em: Em, liveRoomIds: readonly string[]): Promise<Recording[]> {
  const where = { liveRoomId: { $in: [...liveRoomIds] }, state: { $in: [...ACTIVE] } };
  return (await em.find(RecordingEntity, where, { refresh: true })).map(toRecording);
}

/** The newest of each room, newest first. */
export async function listRecordings(em: Em, liveRoomIds: readonly string[]): Promise<Recording[]> {
  const rows = await em.execute<{ id: string }[]>(
    `select r.id from unnest(?::text[]) room (id) cross join lateral (
       select id from recording where live_room_id = room.id order by id desc limit ${MAX_RECORDINGS}) r`,
    [textArray(liveRoomIds)],
  );
  const ids = rows.map(({ id }) => id);
  const found = await em.find(RecordingEntity, { id: { $in: ids } }, { orderBy: { id: 'desc' } });
  return found.map(toRecording);
}

export const countRecordings = (em: Em, liveRoomId: string): Promise<number> =>
  em.count(RecordingEntity, { liveRoomId });

/** Recordings that were to stop before `endedBefore` and are not finished. */
export async function findStopping(em: Em, endedBefore: Date): Promise<Recording[]> {
  const where = { state: 'STOPPING' as const, endedAt: { $lt: endedBefore } };
  return (await em.find(RecordingEntity, where)).map(toRecording);
}

/** Throws UniqueConstraintViolationException where the room is being recorded already. */
export async function insertRecording(em: Em, recording: Recording): Promise<void> {
  await em.insert(RecordingEntity, recording);
}

export async function saveRecording(em: Em, { id, ...recording }: Recording): Promise<void> {
  const { state, startedAt, endedAt, durationMs, problem } = recording;
  await em.nativeUpdate(RecordingEntity, { id }, { state, startedAt, endedAt, durationMs, problem });
}

export async function findTakes(em: Em, recordingId: string): Promise<RecordingTake[]> {
  const rows = await em.find(RecordingTakeEntity, { recordingId }, { refresh: true });
  return rows.map((row) => ({ ...row, durationMs: row.durationMs ?? null }));
}

/** A take that is known keeps what it has until its length is told. */
export async function saveTake(em: Em, take: RecordingTake): Promise<void> {
  await em.execute(
    `insert into recording_take (id, recording_id, server_id, started_at, duration_ms) values (?, ?, ?, ?, ?)
     on conflict (id) do update set duration_ms = coalesce(excluded.duration_ms, recording_take.duration_ms)`,
    [take.id, take.recordingId, take.serverId, take.startedAt, take.durationMs],
  );
}

export async function insertFiles(em: Em, files: readonly RecordingFile[]): Promise<void> {
  if (files.length > 0) await em.insertMany(RecordingFileEntity, [...files]);
}

/** Moves all files of a recording, which began earlier than was known. */
export async function shiftFiles(em: Em, recordingId: string, byMs: number): Promise<void> {
  await em.execute('update recording_file set offset_ms = offset_ms + ? where recording_id = ?', [
    byMs,
    recordingId,
  ]);
}

/** Mixes first, then speakers in the order of their beginning. */
export async function findFiles(em: Em, recordingIds: readonly string[]): Promise<RecordingFile[]> {
  const where = { recordingId: { $in: [...recordingIds] } };
  const rows = await em.find(RecordingFileEntity, where, { orderBy: { offsetMs: 'asc', id: 'asc' } });
  const files = rows.map((row) => ({ ...row, participantId: row.participantId ?? null }));
  return [...files.filter(isMix), ...files.filter((file) => !isMix(file))];
}

const isMix = ({ participantId }: RecordingFile) => participantId === null;

function toRecording(row: RecordingRow): Recording {
  return {
    ...row,
    startedAt: row.startedAt ?? null,
    endedAt: row.endedAt ?? null,
    durationMs: row.durationMs ?? null,
    problem: row.problem ?? null,
  };
}
