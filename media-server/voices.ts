import type { types } from 'mediasoup';

/** A stream of audio that a participant sends, where it can be consumed. It is over when its producer closes. */
export interface Voice {
  readonly participantId: string;
  readonly producer: types.Producer;
  readonly router: types.Router;
}

/** Who takes in a room's audio on the server itself: a recording, a broadcast. */
export interface VoiceListener {
  /** Called at once for voices that are open already. */
  readonly onVoice: (voice: Voice) => void;
  /** The room is closed, and its voices with it. */
  readonly onRoomClosed: () => void;
}

/** The voices of all rooms of this server. */
export interface Voices {
  opened(liveRoomId: string, voice: Voice): void;
  roomClosed(liveRoomId: string): void;
  /** Returns what ends it. */
  follow(liveRoomId: string, listener: VoiceListener): () => void;
}

export function createVoices(): Voices {
  const open = new Map<string, Set<Voice>>();
  const listeners = new Map<string, Set<VoiceListener>>();

  return {
    opened(liveRoomId, voice) {
      add(open, liveRoomId, voice);
      voice.producer.observer.once('close', () => remove(open, liveRoomId, voice));
      for (const listener of listeners.get(liveRoomId) ?? []) listener.onVoice(voice);
    },
    roomClosed(liveRoomId) {
      for (const listener of [...(listeners.get(liveRoomId) ?? [])]) listener.onRoomClosed();
    },
    follow(liveRoomId, listener) {
      add(listeners, liveRoomId, listener);
      for (const voice of open.get(liveRoomId) ?? []) listener.onVoice(voice);
      return () => remove(listeners, liveRoomId, listener);
    },
  };
}

function add<T>(sets: Map<string, Set<T>>, key: string, item: T): void {
  const set = sets.get(key) ?? new Set();
  sets.set(key, set.add(item));
}

function remove<T>(sets: Map<string, Set<T>>, key: string, item: T): void {
  const set = sets.get(key);
  set?.delete(item);
  if (set?.size === 0) sets.delete(key);
}
