import { spawn } from 'node:child_process';
import { setPriority } from 'node:os';
import type { TrackFile } from './take-folder.ts';

const MS_PER_SAMPLE = 1_000 / 48_000;
const BITRATE = '128k';
/** Behind everything that is live. */
const LOW_PRIORITY = 10;
const MAX_WORDS = 2_000;

/**
 * Mixes tracks into an Ogg file at `path`, each where it began, as long as the take. A sum that is too loud is limited, not turned down as a whole:
 * the loudness of one speaker shall not depend on how many others there are.
 */
export async function mixTracks(
  ffmpeg: string,
  tracks: readonly TrackFile[],
  { path, durationMs, signal }: { path: string; durationMs: number; signal: AbortSignal },
): Promise<void> {
  const delays = tracks.map(
    ({ offset }, index) => `[${index}:a]adelay=${Math.round(offset * MS_PER_SAMPLE)}:all=1[d${index}]`,
  );
  const inputs = tracks.map((_track, index) => `[d${index}]`).join('');
  const mix = `${inputs}amix=inputs=${tracks.length}:duration=longest:normalize=0`;
  const graph = `${delays.join(';')};${mix},apad=whole_dur=${durationMs}ms,alimiter=limit=0.95:level=0[mix]`;
  await runFfmpeg(
    ffmpeg,
    [
      ...tracks.flatMap((track) => ['-i', track.path]),
      ...['-filter_complex', graph, '-map', '[mix]', '-t', `${durationMs}ms`],
      ...['-c:a', 'libopus', '-b:a', BITRATE, '-ac', '2', '-ar', '48000', '-f', 'ogg', '-y', path],
    ],
    signal,
  );
}

/** Rejects with ffmpeg's own last words where it fails, and where `signal` ends it. */
async function runFfmpeg(ffmpeg: string, args: readonly string[], signal: AbortSignal): Promise<void> {
  const child = spawn(ffmpeg, ['-nostdin', '-hide_banner', '-loglevel', 'error', ...args], {
    stdio: ['ignore', 'ignore', 'pipe'],
    signal,
    killSignal: 'SIGKILL',
  });
  let words = '';
  child.stderr.on('data', (data: Buffer) => (words = (words + data.toString()).slice(-MAX_WORDS)));
  await new Promise<void>((resolve, reject) => {
    child.once('error', reject);
    child.once('spawn', () => child.pid !== undefined && setPriority(child.pid, LOW_PRIORITY));
    child.once('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`ffmpeg failed (${code}): ${words.trim()}`)),
    );
  });
}
