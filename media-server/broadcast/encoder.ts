import { spawn } from 'node:child_process';
import { PART_MS } from '../domain/broadcast-window.ts';
import { FragmentedMp4, type Mp4Piece } from '../domain/fragmented-mp4.ts';
import { OPUS_RATE_HZ } from '../domain/opus-packet.ts';
import { FRAME_BYTES, PCM_ARGS } from '../domain/pcm.ts';
import { ignoreDeath } from './decoded-voice.ts';

/** A process that makes AAC in fragmented MP4 of sound, a fragment for each part of the broadcast. */
export interface Encoder {
  write(pcm: Buffer): void;
  /** Lets it encode what it has, and end. */
  finish(): void;
  kill(): void;
}

export interface EncoderEvents {
  readonly onPiece: (piece: Mp4Piece) => void;
  /** Nothing comes any more; why, where that was not wished. Not told after `kill`. */
  readonly onEnded: (failure: Error | null) => void;
}

const AT_ONCE = ['-probesize', '32', '-analyzeduration', '0'];
const AAC_ARGS = ['-c:a', 'aac', '-b:a', '128k'];
const CMAF_ARGS = [
  ...['-f', 'mp4', '-movflags', '+cmaf+skip_trailer', '-frag_duration', String(PART_MS * 1_000)],
  ...['-flush_packets', '1'],
];
/** Ten seconds: an encoder that is so far behind will not catch up. */
const MAX_BACKLOG_BYTES = 10 * OPUS_RATE_HZ * FRAME_BYTES;

/** `startedAtMs` is the date of the first sound, in Unix time; times in the MP4 are dates. */
export function startEncoder(ffmpeg: string, startedAtMs: number, events: EncoderEvents): Encoder {
  const child = spawn(
    ffmpeg,
    ['-loglevel', 'error', ...AT_ONCE, ...PCM_ARGS, '-i', 'pipe:0', ...AAC_ARGS, ...CMAF_ARGS, 'pipe:1'],
    { stdio: ['pipe', 'pipe', 'ignore'] },
  );
  ignoreDeath(child);
  const pieces = new FragmentedMp4(BigInt((startedAtMs * OPUS_RATE_HZ) / 1_000));
  let finishing = false;
  let over = false;
  const end = (failure: Error | null) => {
    if (over) return;
    over = true;
    child.kill('SIGKILL');
    events.onEnded(failure);
  };
  child.stdout.on('data', (bytes: Buffer) => {
    if (over) return;
    try {
      for (const piece of pieces.push(bytes)) events.onPiece(piece);
    } catch (error) {
      end(error instanceof Error ? error : new Error(String(error)));
    }
  });
  child.once('close', (code, signal) =>
    end(finishing && code === 0 ? null : new Error(`The encoder ended with ${signal ?? code}.`)),
  );
  return {
    write(pcm) {
      if (child.stdin.writableLength > MAX_BACKLOG_BYTES) end(new Error('The encoder takes no more sound.'));
      else child.stdin.write(pcm);
    },
    finish() {
      finishing = true;
      child.stdin.end();
    },
    kill() {
      over = true;
      child.kill('SIGKILL');
    },
  };
}
