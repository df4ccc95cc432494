import { OPUS_RATE_HZ } from '../domain/opus-packet.ts';
import { mixPcm } from '../domain/pcm.ts';
import type { Voices } from '../voices.ts';
import { decodeVoice, type DecodedVoice } from './decoded-voice.ts';

/** All voices of a room as one sound. */
export interface RoomMix {
  /** Hands out what was said until now, and then nothing more. */
  end(): void;
  close(): void;
}

export interface RoomMixOptions {
  readonly ffmpeg: string;
  readonly liveRoomId: string;
  readonly voices: Voices;
  /** Where the sound begins, as `performance.now()` counts. */
  readonly startedMs: number;
  /** Is given what was said MIX_DELAY_MS ago, piece by piece and without gaps. */
  readonly onSound: (pcm: Buffer) => void;
  /** The room was closed, or the mix ended, and all of its sound was handed out. */
  readonly onEnded: () => void;
}

/** What is mixed is this old: packets were waited for, and decoded. */
const MIX_DELAY_MS = 500;
const TICK_MS = 40;

export function mixRoom(options: RoomMixOptions): RoomMix {
  const { ffmpeg, liveRoomId, voices, startedMs, onSound, onEnded } = options;
  const samplesAt = (ms: number) => Math.round(((ms - startedMs) / 1_000) * OPUS_RATE_HZ);
  const now = () => samplesAt(performance.now());
  const heard = new Set<DecodedVoice>();
  let position = 0;
  let endsAt = Number.POSITIVE_INFINITY;

  const tick = () => {
    for (const voice of heard) voice.flush();
    const frames = Math.min(endsAt, samplesAt(performance.now() - MIX_DELAY_MS)) - position;
    if (frames > 0) {
      const sounds = [...heard].map(({ sound }) => sound);
      onSound(mixPcm(sounds, position, frames));
      position += frames;
    }
    for (const voice of heard) if (position >= voice.endsAt) drop(voice);
    if (position < endsAt) return;
    close();
    onEnded();
  };
  const drop = (voice: DecodedVoice) => {
    heard.delete(voice);
    voice.close();
  };
  const end = () => {
    endsAt = Math.min(endsAt, now());
  };
  const close = () => {
    clearInterval(timer);
    unfollow();
    for (const voice of heard) drop(voice);
  };
  const timer = setInterval(tick, TICK_MS);
  const unfollow = voices.follow(liveRoomId, {
    onVoice: (voice) => heard.add(decodeVoice(ffmpeg, voice, now)),
    onRoomClosed: end,
  });
  return { end, close };
}
