import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { RecordingMode, RecordingProblem } from '#schema/media-bus.ts';
import type { RecordingState } from '../domain/recording.ts';

export const RecordingEntity = defineEntity({
  name: 'Recording',
  tableName: 'recording',
  properties: {
    id: p.text().primary(),
    liveRoomId: p.text(),
    mode: p.text().$type<RecordingMode>(),
    state: p.text().$type<RecordingState>(),
    requestedAt: p.datetime(),
    startedAt: p.datetime().nullable(),
    endedAt: p.datetime().nullable(),
    durationMs: p.integer().nullable(),
    problem: p.text().$type<RecordingProblem>().nullable(),
  },
});

export type RecordingRow = InferEntity<typeof RecordingEntity>;

export const RecordingTakeEntity = defineEntity({
  name: 'RecordingTake',
  tableName: 'recording_take',
  properties: {
    id: p.text().primary(),
    recordingId: p.text(),
    serverId: p.text(),
    startedAt: p.datetime(),
    durationMs: p.integer().nullable(),
  },
});

export const RecordingFileEntity = defineEntity({
  name: 'RecordingFile',
  tableName: 'recording_file',
  properties: {
    id: p.text().primary(),
    recordingId: p.text(),
    takeId: p.text(),
    participantId: p.text().nullable(),
    key: p.text(),
    offsetMs: p.integer(),
    durationMs: p.integer(),
    sizeBytes: p.bigint('number'),
  },
});
