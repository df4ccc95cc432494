import type { RecordingMode, RecordingProblem } from '#schema/media-bus.ts';
import { conflict, forbidden, invalid, notFound, Refusal } from '#platform/errors.ts';
import { MAX_AUDIO_BYTES } from './audio-format.ts';
import type { LiveRoom } from './live-room.ts';
import { isPresent, type LiveParticipant } from './participant.ts';

/** STARTING and RECORDING want a media server to record, the others want it to stop. */
export type RecordingState = 'STARTING' | 'RECORDING' | 'STOPPING' | 'READY' | 'FAILED';

export interface Recording {
  readonly id: string;
  readonly liveRoomId: string;
  readonly mode: RecordingMode;
  readonly state: RecordingState;
  readonly requestedAt: Date;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
  readonly durationMs: number | null;
  readonly problem: RecordingProblem | null;
}

/** What one media server recorded of it without a break. */
export interface RecordingTake {
  readonly id: string;
  readonly recordingId: string;
  readonly serverId: string;
  readonly startedAt: Date;
  /** Null until its files are known. */
  readonly durationMs: number | null;
}

export interface RecordingFile {
  readonly id: string;
  readonly recordingId: string;
  readonly takeId: string;
  /** Null for a mix. */
  readonly participantId: string | null;
  /** Key in the file store. */
  readonly key: string;
  /** From the start of the recording. */
  readonly offsetMs: number;
  readonly durationMs: number;
  readonly sizeBytes: number;
}

/** Of one room: as many as are shown, so that none is lost. */
export const MAX_RECORDINGS = 100;

export function requireFewerRecordings(count: number): void {
  if (count < MAX_RECORDINGS) return;
  throw new Refusal(conflict(`A room has at most ${MAX_RECORDINGS} recordings.`, null, 'liveRoomId'));
}

export const isActive = ({ state }: Recording): boolean => state === 'STARTING' || state === 'RECORDING';

export function requireMayRecord(room: LiveRoom, actorId: string, field: string): void {
  if (room.hostId !== actorId) throw new Refusal(forbidden('Only its host may do this.', 'HOST', field));
}

/** Moderators may stop what the host has started: whoever minds is heard. */
export function requireMayStop(room: LiveRoom, actorId: string, participant: LiveParticipant | null): void {
  if (room.hostId === actorId) return;
  if (participant?.role === 'MODERATOR' && isPresent(participant)) return;
  throw new Refusal(forbidden('Only its host and moderators may do this.', 'MODERATOR', 'liveRoomId'));
}

export const alreadyRecorded = (): Refusal =>
  new Refusal(conflict('The room is being recorded already.', null, 'liveRoomId'));

export const notRecorded = (): Refusal =>
  new Refusal(conflict('The room is not being recorded.', null, 'liveRoomId'));

export const noRecording = (id: string): Refusal =>
  new Refusal(notFound('recordingId', id, 'There is no such recording.'));

export const cannotMix = (): Refusal =>
  new Refusal({
    __typename: 'MixingUnavailableError',
    message: 'The platform cannot mix: there is no ffmpeg. Record each speaker in a file of their own.',
    field: ['mode'],
  });

export const stopped = (recording: Recording, now: Date): Recording => ({
  ...recording,
  state: 'STOPPING',
  endedAt: now,
});

/** A media server began. */
export const begun = (recording: Recording): Recording =>
  recording.state === 'STARTING' ? { ...recording, state: 'RECORDING' } : recording;

/** It broke off by itself. */
export const brokenOff = (recording: Recording, problem: RecordingProblem, now: Date): Recording => ({
  ...recording,
  state: 'FAILED',
  problem,
  endedAt: now,
});

/** With what is known of its takes; over only when it was to stop and no take is open, or none is waited for any longer. */
export function settled(
  recording: Recording,
  takes: readonly RecordingTake[],
  { fileCount, waiting }: { readonly fileCount: number; readonly waiting: boolean },
): Recording {
  const startMs = recording.startedAt?.getTime() ?? 0;
  const ends = takes.map(({ startedAt, durationMs }) => startedAt.getTime() + (durationMs ?? 0) - startMs);
  const measured = { ...recording, durationMs: takes.length === 0 ? null : Math.max(0, ...ends) };
  if (recording.state !== 'STOPPING') return measured;
  const open = takes.some(({ durationMs }) => durationMs === null);
  if (waiting && (open || takes.length === 0)) return recording;
  if (fileCount === 0)
    return {
      ...measured,
      state: 'FAILED',
      problem: recording.problem ?? (open ? 'INTERRUPTED' : 'NOTHING_RECORDED'),
    };
  return { ...measured, state: 'READY', problem: open ? 'INTERRUPTED' : recording.problem };
}

/** Nobody waited any longer for files, of which there were none. What a server cannot store for longer than that may come all the same. */
export const wasGivenUp = ({ state, problem }: Recording): boolean =>
  state === 'FAILED' && (problem === 'INTERRUPTED' || problem === 'NOTHING_RECORDED');

export const stoppedAgain = (recording: Recording): Recording => ({
  ...recording,
  state: 'STOPPING',
  problem: null,
});

/** What a track is made of: the file that was named, else the longest mix, else the only file. Refuses where nothing of that is there, or it is larger than a track can be. */
export function fileToPublish(files: readonly RecordingFile[], fileId: string | null): RecordingFile {
  if (files.length === 0)
    throw new Refusal(conflict('The recording has no finished files yet.', null, 'recordingId'));
  const mixes = files.filter(({ participantId }) => participantId === null);
  const [mix] = mixes.toSorted((a, b) => b.durationMs - a.durationMs);
  const [only] = files.length === 1 ? files : [];
  const chosen = fileId === null ? (mix ?? only) : files.find(({ id }) => id === fileId);
  if (chosen && chosen.sizeBytes > MAX_AUDIO_BYTES) throw new Refusal(tooLarge());
  if (chosen) return chosen;
  if (fileId !== null) throw new Refusal(notFound('input.fileId', fileId, 'The recording has no such file.'));
  throw new Refusal(invalid('input.fileId', 'REQUIRED', 'The recording has no mix: name one of its files.'));
}

const tooLarge = () =>
  invalid('input.fileId', 'FILE_TOO_LARGE', `The file is larger than ${MAX_AUDIO_BYTES} bytes.`);
