import { join } from 'node:path';
import { OPUS_RATE_HZ } from '../domain/opus-packet.ts';
import type { Voice, Voices } from '../voices.ts';
import { canHaveTrack, markEnd, trackName, type TakeFolder } from './take-folder.ts';
import { Track } from './track.ts';

/** A take that goes on now. */
export interface LiveTake {
  readonly folder: TakeFolder;
  /** Resolves once every file is whole, or as whole as it could be written. Idempotent. */
  stop(): Promise<void>;
}

export interface LiveTakeOptions {
  readonly folder: TakeFolder;
  readonly voices: Voices;
  readonly onRoomClosed: () => void;
  /** Called once, when a file cannot be written. */
  readonly onFailed: (error: unknown) => void;
}

/** Together with the time that packets wait, and the time that a disk takes for it, what a killed server, or a loss of power, costs at most. */
const FLUSH_MS = 500;

/**
 * Writes what is said in a room, a file for each speaker, from now on. The packets of browsers are put into Ogg pages as they are: nothing is
 * decoded, so a speaker costs next to nothing, and no process stands between a packet and its page that could die with a second of sound.
 */
export function startTake({ folder, voices, onRoomClosed, onFailed }: LiveTakeOptions): LiveTake {
  const { liveRoomId } = folder.take;
  const startedMs = performance.now();
  const now = () => Math.round(((performance.now() - startedMs) / 1_000) * OPUS_RATE_HZ);
  const tracks = new Map<string, Track[]>();
  let stopping: Promise<void> | null = null;
  let failed = false;

  const fail = (error: unknown) => {
    if (!failed) onFailed(error);
    failed = true;
  };
  const createFor = (participantId: string): Track => {
    const own = tracks.get(participantId) ?? [];
    const path = join(folder.path, trackName(participantId, now(), own.length));
    const track = new Track({ path, now, onFailed: fail });
    tracks.set(participantId, [...own, track]);
    return track;
  };
  // Somebody who comes back goes on in their file; a second microphone has one of its own.
  const onVoice = (voice: Voice) => {
    const { participantId } = voice;
    if (!canHaveTrack(participantId)) return;
    const free = tracks.get(participantId)?.find(({ busy }) => !busy);
    (free ?? createFor(participantId)).attach(voice);
  };
  const all = () => [...tracks.values()].flat();
  let syncing = false;
  // One after the other: a slow disk keeps one thread of Node's pool busy, not all of them.
  const sync = async () => {
    if (syncing) return;
    syncing = true;
    for (const track of all()) await track.sync();
    syncing = false;
  };
  const timer = setInterval(() => {
    all().forEach((track) => track.flush());
    void sync();
  }, FLUSH_MS);
  const unfollow = voices.follow(liveRoomId, { onVoice, onRoomClosed });

  const stop = async () => {
    clearInterval(timer);
    unfollow();
    const durationMs = Math.round(performance.now() - startedMs);
    await Promise.all(all().map((track) => track.finish()));
    // On a full disk the tracks themselves have to tell.
    if (!failed) await markEnd(folder, durationMs).catch(fail);
  };
  return { folder, stop: () => (stopping ??= stop()) };
}
