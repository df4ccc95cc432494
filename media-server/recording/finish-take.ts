import { createReadStream } from 'node:fs';
import { basename, join } from 'node:path';
import type { FileStore } from '#platform/files/file-store.ts';
import type { Log } from '#platform/log.ts';
import type { EventPayload } from '#schema/events.ts';
import type { RecordingProblem } from '#schema/media-bus.ts';
import type { Ffmpeg } from '../ffmpeg.ts';
import { mixTracks } from './mix.ts';
import { mendOggFile } from './ogg-file.ts';
import { listTracks, readEnd, type Take, type TakeFolder, type TrackFile } from './take-folder.ts';
import { noteOutcome, readOutcome, type OutcomeFile, type TakeOutcome } from './take-outcome.ts';

export interface FinishOptions {
  readonly ffmpeg: Ffmpeg;
  readonly files: FileStore;
  readonly log: Log;
  readonly signal: AbortSignal;
}

/** What is told of a take all of whose files are stored. */
export type FinishedTake = Pick<EventPayload<'media.recordingFinished'>, 'durationMs' | 'problem' | 'files'>;

interface Mended extends TrackFile {
  readonly samples: number;
}

const SAMPLES_PER_MS = 48;
const MIX = 'mix';
const OGG = { contentType: 'audio/ogg', maxBytes: 8 * 1024 ** 3, field: 'recording' };

/**
 * Mends the files of a take that is over, mixes them where a mix is wanted, and hands them to the file store. It can be done again at any time, and
 * goes on where it broke off. Rejects where files cannot be stored now.
 */
export async function finishTake(
  folder: TakeFolder,
  problem: RecordingProblem | null,
  options: FinishOptions,
): Promise<FinishedTake> {
  const { path } = folder;
  const outcome = (await readOutcome(path)) ?? (await decide(folder, problem, options));
  await noteOutcome(path, outcome);
  const files: FinishedTake['files'] = [];
  for (const file of outcome.files) {
    const { name, ...told } = file;
    file.sizeBytes ??= await store(join(path, name), file.key, options);
    files.push({ ...told, sizeBytes: file.sizeBytes });
    await noteOutcome(path, outcome);
  }
  return { ...outcome, files };
}

async function decide(
  folder: TakeFolder,
  problem: RecordingProblem | null,
  options: FinishOptions,
): Promise<TakeOutcome> {
  const tracks = await mendTracks(folder);
  const ownMs = await readEnd(folder);
  const durationMs = ownMs ?? toMs(Math.max(0, ...tracks.map(({ offset, samples }) => offset + samples)));
  if (tracks.length === 0) return { durationMs, problem: problem ?? 'NOTHING_RECORDED', files: [] };
  const { take } = folder;
  const mixProblem = take.mode === 'PER_SPEAKER' ? null : await mixInto(folder, tracks, durationMs, options);
  const isMixed = take.mode !== 'PER_SPEAKER' && mixProblem === null;
  // Where it cannot be mixed, what it would have been made of is worth more than nothing.
  const wanted = take.mode === 'MIX' && isMixed ? [] : tracks;
  const files = [...(isMixed ? [mixFile(take, durationMs)] : []), ...wanted.map(trackFile(take))];
  return { durationMs, problem: problem ?? (ownMs === null ? 'INTERRUPTED' : mixProblem), files };
}

const toMs = (samples: number) => Math.round(samples / SAMPLES_PER_MS);
const keyOf = ({ recordingId, takeId }: Take, name: string) => `recordings/${recordingId}/${takeId}/${name}`;

const mixFile = (take: Take, durationMs: number): OutcomeFile => ({
  name: MIX,
  key: keyOf(take, 'mix.ogg'),
  participantId: null,
  offsetMs: 0,
  durationMs,
  sizeBytes: null,
});

const trackFile =
  (take: Take) =>
  ({ path, participantId, offset, samples }: Mended, index: number): OutcomeFile => ({
    name: basename(path),
    key: keyOf(take, `${index}-${participantId}.ogg`),
    participantId,
    offsetMs: toMs(offset),
    durationMs: toMs(samples),
    sizeBytes: null,
  });

async function mendTracks(folder: TakeFolder): Promise<Mended[]> {
  const tracks: Mended[] = [];
  for (const track of await listTracks(folder)) {
    const mended = await mendOggFile(track.path);
    if (mended) tracks.push({ ...track, samples: mended.samples });
  }
  return tracks;
}

/** Why there is no mix; null where there is one. */
async function mixInto(
  folder: TakeFolder,
  tracks: readonly Mended[],
  durationMs: number,
  { ffmpeg, log, signal }: FinishOptions,
): Promise<RecordingProblem | null> {
  if ('missing' in ffmpeg) return 'MIXER_MISSING';
  try {
    await mixTracks(ffmpeg.path, tracks, { path: join(folder.path, MIX), durationMs, signal });
    return null;
  } catch (error) {
    signal.throwIfAborted();
    log.error({ err: error, takeId: folder.take.takeId }, 'a recording was not mixed');
    return 'MIX_FAILED';
  }
}

/** Returns its size in bytes. */
async function store(path: string, key: string, { files, signal }: FinishOptions): Promise<number> {
  // An earlier attempt may have come as far as to store it, and not to note that.
  await files.delete(key, signal);
  return (await files.put(key, createReadStream(path), { ...OGG, signal })).bytes;
}
