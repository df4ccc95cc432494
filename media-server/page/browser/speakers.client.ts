import type { RemoteTrack } from '../../../clients/live/browser/media-link.client.ts';

interface Playing {
  readonly participantId: string;
  /** Null for the visitor's own voice, which is measured alone. */
  readonly audio: HTMLAudioElement | null;
  readonly source: MediaStreamAudioSourceNode;
  readonly analyser: AnalyserNode;
}

const QUIETEST_DB = -60;

/** How loud a root mean square is to ears: 0 (nothing to hear) to 1 (full scale), linear in decibels. */
export const loudnessOf = (level: number): number =>
  Math.max(0, 1 - (20 * Math.log10(Math.max(level, 1e-6))) / QUIETEST_DB);

const SAMPLES = 2_048;
const OWN = 'own';
const MEASURE_EVERY_MS = 100;

/** Plays what is received, and measures how loud each participant is. */
export class Speakers {
  readonly #playing = new Map<string, Playing>();
  readonly #context = new AudioContext();
  readonly #samples = new Float32Array(SAMPLES);
  readonly #onBlocked: () => void;

  /** `onLevels` gets the root mean square of each participant's audio, 0 to 1. `onBlocked`: the browser wants a click before it plays. */
  constructor(onLevels: (levels: ReadonlyMap<string, number>) => void, onBlocked: () => void) {
    this.#onBlocked = onBlocked;
    // Not animation frames: they stop in a tab in the background.
    setInterval(() => onLevels(this.#measure()), MEASURE_EVERY_MS);
  }

  play({ participantId, consumerId, track }: RemoteTrack): void {
    const stream = new MediaStream([track]);
    // Chromium feeds a remote stream into WebAudio only while an element plays it.
    const audio = new Audio();
    audio.srcObject = stream;
    this.#measureFrom(consumerId, participantId, stream, audio);
    void this.resume();
  }

  /** Measures the visitor's own microphone; null: it is off. */
  measureOwn(participantId: string, track: MediaStreamTrack | null): void {
    this.stop(OWN);
    if (track) this.#measureFrom(OWN, participantId, new MediaStream([track]), null);
  }

  #measureFrom(id: string, participantId: string, stream: MediaStream, audio: HTMLAudioElement | null): void {
    const source = this.#context.createMediaStreamSource(stream);
    const analyser = this.#context.createAnalyser();
    analyser.fftSize = SAMPLES;
    source.connect(analyser);
    this.#playing.set(id, { participantId, audio, source, analyser });
  }

  stop(consumerId: string): void {
    const playing = this.#playing.get(consumerId);
    if (!playing) return;
    playing.source.disconnect();
    if (playing.audio) playing.audio.srcObject = null;
    this.#playing.delete(consumerId);
  }

  /** Starts playing again what the browser had blocked; call it on a click. */
  async resume(): Promise<void> {
    // Where the browser wants a click first, this waits for it; playing fails at once, and says so.
    void this.#context.resume();
    try {
      await Promise.all([...this.#playing.values()].map(({ audio }) => audio?.play()));
    } catch (error) {
      // An element that was stopped meanwhile aborts its own play().
      if (error instanceof DOMException && error.name === 'NotAllowedError') this.#onBlocked();
    }
  }

  #measure(): ReadonlyMap<string, number> {
    const levels = new Map<string, number>();
    for (const { participantId, analyser } of this.#playing.values()) {
      analyser.getFloatTimeDomainData(this.#samples);
      const sum = this.#samples.reduce((total, sample) => total + sample * sample, 0);
      levels.set(participantId, Math.max(levels.get(participantId) ?? 0, Math.sqrt(sum / SAMPLES)));
    }
    return levels;
  }
}
