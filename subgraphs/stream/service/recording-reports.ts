import type { Transaction } from '#platform/events/unit-of-work.ts';
import { newId } from '#platform/ids.ts';
import type { EventPayload } from '#schema/events.ts';
import { RECORDING_PROBLEMS, type RecordingProblem } from '#schema/media-bus.ts';
import { lockRoom } from '../data/live-room.repository.ts';
import {
  findFiles,
  findRecordingsById,
  findTakes,
  insertFiles,
  saveRecording,
  saveTake,
  shiftFiles,
} from '../data/recording.repository.ts';
import type { LiveRoom } from '../domain/live-room.ts';
import {
  begun,
  brokenOff,
  isActive,
  settled,
  stoppedAgain,
  wasGivenUp,
  type Recording,
} from '../domain/recording.ts';
import type { MediaOrders } from './media-orders.ts';
import { recordRecording } from './recording-log.ts';

/** Takes note of what media servers say of their takes, in the caller's transaction. */
export interface RecordingReports {
  started(tx: Transaction, report: EventPayload<'media.recordingStarted'>): Promise<void>;
  failed(tx: Transaction, report: EventPayload<'media.recordingFailed'>): Promise<void>;
  finished(tx: Transaction, report: EventPayload<'media.recordingFinished'>): Promise<void>;
  /** Ends the waiting for takes of a recording that was to stop long ago. */
  giveUp(tx: Transaction, recording: Recording): Promise<void>;
}

interface Subject {
  readonly room: LiveRoom;
  readonly recording: Recording;
}

export function createRecordingReports(deps: {
  readonly orders: MediaOrders;
  readonly now: () => Date;
}): RecordingReports {
  const { orders, now } = deps;
  return {
    async started(tx, report) {
      const subject = await find(tx, report);
      if (!subject) return;
      const startedAt = new Date(report.startedAt);
      await saveTake(tx.em, takeOf(report, startedAt, null));
      const recording = await withTake(tx, subject.recording, startedAt);
      if (isActive(recording)) return change(tx, subject, begun(recording));
      const { liveRoomId, id: recordingId } = recording;
      // Stopped before it had begun: the take tells all the same when that was.
      await saveRecording(tx.em, recording);
      await orders.trySend({ kind: 'stopRecording', liveRoomId, recordingId });
    },

    async failed(tx, report) {
      const subject = await find(tx, report);
      if (!subject) return;
      const { recording } = subject;
      const problem = problemOf(report.problem) ?? 'STORAGE_FAILED';
      if (isActive(recording)) return change(tx, subject, brokenOff(recording, problem, now()));
      await saveRecording(tx.em, { ...recording, problem });
    },

    async finished(tx, report) {
      const subject = await find(tx, report);
      if (!subject) return;
      const startedAt = new Date(report.startedAt);
      await saveTake(tx.em, takeOf(report, startedAt, report.durationMs));
      const recording = await withTake(tx, subject.recording, startedAt);
      await insertFiles(tx.em, filesOf(report, offsetIn(recording, startedAt)));
      const waiting = !wasGivenUp(recording);
      const awaited = waiting ? recording : stoppedAgain(recording);
      const problem = awaited.problem ?? worthTelling(problemOf(report.problem));
      const next = await settle(tx, { ...awaited, problem }, waiting);
      await change(tx, subject, next);
      // It was READY without this take, whose server had not told of it yet.
      if (next.state === subject.recording.state && next.state === 'READY')
        await recordRecording(tx, subject.room, next, null);
    },

    async giveUp(tx, { id: recordingId, liveRoomId }) {
      const subject = await find(tx, { recordingId, liveRoomId });
      if (subject) await change(tx, subject, await settle(tx, subject.recording, false));
    },
  };
}

async function find(
  { em }: Transaction,
  { recordingId, liveRoomId }: { readonly recordingId: string; readonly liveRoomId: string },
): Promise<Subject | null> {
  const room = await lockRoom(em, liveRoomId, 'platform');
  const [recording] = await findRecordingsById(em, [recordingId]);
  return room && recording?.liveRoomId === liveRoomId ? { room, recording } : null;
}

/** The recording with a take that began then. Takes are told of in no order, and what is stored is counted from the earliest. */
async function withTake(tx: Transaction, recording: Recording, startedAt: Date): Promise<Recording> {
  if (recording.startedAt !== null && recording.startedAt <= startedAt) return recording;
  const earlier = { ...recording, startedAt };
  if (recording.startedAt !== null)
    await shiftFiles(tx.em, recording.id, offsetIn(earlier, recording.startedAt));
  return earlier;
}

const offsetIn = ({ startedAt }: Recording, at: Date): number => at.getTime() - (startedAt ?? at).getTime();

async function settle({ em }: Transaction, recording: Recording, waiting: boolean): Promise<Recording> {
  const takes = await findTakes(em, recording.id);
  const fileCount = (await findFiles(em, [recording.id])).length;
  return settled(recording, takes, { fileCount, waiting });
}

async function change(tx: Transaction, { room, recording }: Subject, next: Recording): Promise<void> {
  await saveRecording(tx.em, next);
  if (next.state !== recording.state) await recordRecording(tx, room, next, null);
}

type Report = EventPayload<'media.recordingStarted'>;

const takeOf = (
  { takeId: id, recordingId, serverId }: Pick<Report, 'takeId' | 'recordingId' | 'serverId'>,
  startedAt: Date,
  durationMs: number | null,
) => ({ id, recordingId, serverId, startedAt, durationMs });

const filesOf = (
  { recordingId, takeId, files }: EventPayload<'media.recordingFinished'>,
  takeOffsetMs: number,
) =>
  files.map((file) => ({
    ...file,
    id: newId('RecordingFile'),
    recordingId,
    takeId,
    offsetMs: takeOffsetMs + file.offsetMs,
  }));

const problemOf = (problem: string | null): RecordingProblem | null =>
  RECORDING_PROBLEMS.find((known) => known === problem) ?? null;

// In one take nobody spoke, but perhaps in another.
const worthTelling = (problem: RecordingProblem | null) => (problem === 'NOTHING_RECORDED' ? null : problem);
