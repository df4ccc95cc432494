import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { OPUS_RATE_HZ } from '../domain/opus-packet.ts';
import { mixPcm, PCM_ARGS } from '../domain/pcm.ts';
import type { Voices } from '../voices.ts';
import { BROADCASTS_FOLDER, createBroadcastFolder } from './broadcast-folder.ts';
import { decodeVoice, ignoreDeath, type DecodedVoice } from './decoded-voice.ts';

/** The mix of a room as HLS: a playlist and segments in a folder of its own. */
export interface Broadcast {
  /** One of its files; null where there is none, or no longer. The playlist is waited for until the first segment is there. */
  read(name: string): Promise<Buffer | null>;
  close(): Promise<void>;
}

export interface BroadcastOptions {
  readonly ffmpeg: string;
  readonly liveRoomId: string;
  readonly voices: Voices;
  /** It is over: the room is closed, or the encoder died. */
  readonly onEnded: () => void;
}

export const PLAYLIST = 'index.m3u8';

const TICK_MS = 100;
/** What is mixed is this old: packets were waited for, and decoded. */
const LATENCY_SAMPLES = OPUS_RATE_HZ;
const PLAYLIST_TRIES = 40;
/** A client that lost a second or two still finds its segment. Audio needs no flag to make segments independent: every frame of AAC is. */
const HLS_ARGS = [
  ...['-c:a', 'aac', '-b:a', '128k', '-f', 'hls', '-hls_time', '1', '-hls_list_size', '6'],
  ...['-hls_delete_threshold', '3', '-hls_segment_type', 'mpegts'],
  ...['-hls_flags', 'delete_segments+temp_file+omit_endlist'],
];
const FILE = /^(index\.m3u8|\d+\.ts)$/;

export async function startBroadcast(options: BroadcastOptions): Promise<Broadcast> {
  const { ffmpeg, liveRoomId, voices, onEnded } = options;
  const folder = await createBroadcastFolder(BROADCASTS_FOLDER);
  const startedMs = performance.now();
  const now = () => Math.round(((performance.now() - startedMs) / 1_000) * OPUS_RATE_HZ);
  const decoded = new Set<DecodedVoice>();
  const encoder = encode(ffmpeg, folder.path, onEnded);
  let position = 0;

  const tick = () => {
    for (const voice of decoded) voice.flush();
    const frames = now() - LATENCY_SAMPLES - position;
    if (frames <= 0) return;
    const sounds = [...decoded].map(({ sound }) => sound);
    encoder.stdin.write(mixPcm(sounds, position, frames));
    position += frames;
  };
  const timer = setInterval(tick, TICK_MS);
  const unfollow = voices.follow(liveRoomId, {
    onVoice(voice) {
      const one = decodeVoice(ffmpeg, voice, now);
      decoded.add(one);
      voice.producer.observer.once('close', () => {
        decoded.delete(one);
        one.close();
      });
    },
    onRoomClosed: onEnded,
  });
  return {
    read: (name) => readSoon(folder.path, name),
    async close() {
      clearInterval(timer);
      unfollow();
      for (const voice of decoded) voice.close();
      encoder.kill('SIGKILL');
      await folder.remove();
    },
  };
}

function encode(
  ffmpeg: string,
  folder: string,
  onEnded: () => void,
): ChildProcessByStdio<Writable, null, null> {
  const segments = ['-hls_segment_filename', join(folder, '%d.ts')];
  const encoder = spawn(
    ffmpeg,
    ['-loglevel', 'error', ...PCM_ARGS, '-i', 'pipe:0', ...HLS_ARGS, ...segments, join(folder, PLAYLIST)],
    { stdio: ['pipe', 'ignore', 'ignore'] },
  );
  ignoreDeath(encoder);
  encoder.once('close', onEnded);
  return encoder;
}

async function readSoon(folder: string, name: string): Promise<Buffer | null> {
  if (!FILE.test(name)) return null;
  for (let tries = name === PLAYLIST ? PLAYLIST_TRIES : 1; tries > 0; tries--) {
    const bytes = await readFile(join(folder, name)).catch(() => null);
    if (bytes) return bytes;
    if (tries > 1) await delay(TICK_MS);
  }
  return null;
}
