import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import type { FileStore } from '#platform/files/file-store.ts';
import type { Log } from '#platform/log.ts';
import type { EventPayload } from '#schema/events.ts';
import type { RecordingProblem } from '#schema/media-bus.ts';
import type { Ffmpeg } from '../ffmpeg.ts';
import { mixTracks } from './mix.ts';
import { mendOggFile } from './ogg-file.ts';
import { listTracks, readEnd, type TakeFolder, type TrackFile } from './take-folder.ts';

type StoredFile = EventPayload<'media.recordingFinished'>['files'][number];

export interface TakeOutcome {
  readonly durationMs: number;
  readonly problem: RecordingProblem | null;
  readonly files: StoredFile[];
}

export interface FinishOptions {
  readonly ffmpeg: Ffmpeg;
  readonly files: FileStore;
  readonly log: Log;
  readonly signal: AbortSignal;
}

interface Mended extends TrackFile {
  readonly samples: number;
}

const SAMPLES_PER_MS = 48;
const OGG = { contentType: 'audio/ogg', maxBytes: 8 * 1024 ** 3, field: 'recording' };

/**
 * Mends the files of a take that is over, mixes them where a mix is wanted, and hands them to the file store. It can be done again from the start at
 * any time: what an earlier attempt stored is replaced. Rejects where files cannot be stored now.
 */
export async function finishTake(
  folder: TakeFolder,
  problem: RecordingProblem | null,
  options: FinishOptions,
): Promise<TakeOutcome> {
  const tracks = await mendTracks(folder);
  const ownMs = await readEnd(folder);
  const durationMs = ownMs ?? toMs(Math.max(0, ...tracks.map(({ offset, samples }) => offset + samples)));
  if (tracks.length === 0) return { durationMs, problem: problem ?? 'NOTHING_RECORDED', files: [] };
  const { mode } = folder.take;
  const mix = mode === 'PER_SPEAKER' ? { files: [] } : await mixInto(folder, tracks, durationMs, options);
  // Where it cannot be mixed, what it would have been made of is worth more than nothing.
  const wanted = mode === 'MIX' && !mix.problem ? [] : tracks;
  const files = [...mix.files];
  for (const [index, track] of wanted.entries()) {
    const { participantId, offset, samples } = track;
    const stored = await store(folder, options.files, `${index}-${participantId}.ogg`, track.path);
    files.push({ ...stored, participantId, offsetMs: toMs(offset), durationMs: toMs(samples) });
  }
  return { durationMs, problem: problem ?? (ownMs === null ? 'INTERRUPTED' : (mix.problem ?? null)), files };
}

const toMs = (samples: number) => Math.round(samples / SAMPLES_PER_MS);

async function mendTracks(folder: TakeFolder): Promise<Mended[]> {
  const tracks: Mended[] = [];
  for (const track of await listTracks(folder)) {
    const mended = await mendOggFile(track.path);
    if (mended) tracks.push({ ...track, samples: mended.samples });
  }
  return tracks;
}

async function mixInto(
  folder: TakeFolder,
  tracks: readonly Mended[],
  durationMs: number,
  { ffmpeg, files, log, signal }: FinishOptions,
): Promise<{ files: StoredFile[]; problem?: RecordingProblem }> {
  if ('missing' in ffmpeg) return { files: [], problem: 'MIXER_MISSING' };
  const path = join(folder.path, 'mix');
  try {
    await mixTracks(ffmpeg.path, tracks, { path, durationMs, signal });
  } catch (error) {
    signal.throwIfAborted();
    log.error({ err: error, takeId: folder.take.takeId }, 'a recording was not mixed');
    return { files: [], problem: 'MIX_FAILED' };
  }
  const stored = await store(folder, files, 'mix.ogg', path);
  return { files: [{ ...stored, participantId: null, offsetMs: 0, durationMs }] };
}

async function store(
  { take: { recordingId, takeId } }: TakeFolder,
  files: FileStore,
  name: string,
  path: string,
): Promise<{ key: string; sizeBytes: number }> {
  const key = `recordings/${recordingId}/${takeId}/${name}`;
  await files.delete(key);
  const { bytes: sizeBytes } = await files.put(key, createReadStream(path), OGG);
  return { key, sizeBytes };
}
