import { HOLD_SAMPLES, Timeline } from '../domain/timeline.ts';
import type { Voice } from '../voices.ts';
import { createOggFile, type OggFile } from './ogg-file.ts';
import { receiveVoice, type Receiver } from './receiver.ts';

export interface TrackOptions {
  readonly path: string;
  /** Samples since the take began. */
  readonly now: () => number;
  /** Called once: nothing more can be written. */
  readonly onFailed: (error: unknown) => void;
}

/** The file of one speaker: what they send, one voice after the other, silence in between. Positions are samples since the take began. */
export class Track {
  readonly #options: TrackOptions;
  readonly #timeline: Timeline;
  readonly #receivers: Promise<Receiver | null>[] = [];
  #voices = 0;
  /** Until when silence counts; null while a voice is open. */
  #silentFrom: number | null = null;
  #file: OggFile | null = null;
  #failed = false;
  #finished = false;
  #writing: Promise<void> = Promise.resolve();

  constructor(options: TrackOptions) {
    this.#options = options;
    this.#timeline = new Timeline(options.now());
    this.#write(async () => {
      this.#file = await createOggFile(options.path);
    });
  }

  /** Whether a voice goes into it now. */
  get busy(): boolean {
    return this.#voices > 0;
  }

  attach(voice: Voice): void {
    const { producer } = voice;
    const { now } = this.#options;
    this.#timeline.cut();
    this.#voices++;
    this.#silentFrom = null;
    producer.observer.once('close', () => {
      this.#voices--;
      if (!this.busy) this.#silentFrom = now();
    });
    // A microphone that is on again may count from anywhere.
    producer.observer.on('resume', () => this.#timeline.cut());
    const receiver = receiveVoice(voice, (packet) => this.#timeline.push(packet, now()));
    // A voice that is over before it could be taken in has said nothing.
    this.#receivers.push(receiver.catch(() => null));
  }

  /** Writes what has been decided by now. */
  flush(): void {
    const until = (this.#silentFrom ?? Number.POSITIVE_INFINITY) + HOLD_SAMPLES;
    const packets = this.#timeline.advance(Math.min(this.#options.now(), until));
    this.#write(async () => this.#file?.write(packets));
  }

  /** Resolves once what was flushed before outlives a loss of power. Flushing does not wait for it. */
  async sync(): Promise<void> {
    await this.#writing;
    if (this.#failed || this.#finished) return;
    await this.#file?.sync().catch((error: unknown) => this.#fail(error));
  }

  /** Resolves once the file is whole and closed; the speaker's silence counts up to now while their voice is open. */
  finish(): Promise<void> {
    this.#finished = true;
    for (const receiver of this.#receivers) void receiver.then((one) => one?.close());
    const packets = this.#timeline.finish(this.#silentFrom ?? this.#options.now());
    this.#write(async () => {
      await this.#file?.write(packets);
      await this.#file?.end();
    });
    return this.#writing;
  }

  #write(run: () => Promise<void>): void {
    this.#writing = this.#writing
      .then(() => (this.#failed ? undefined : run()))
      .catch((error: unknown) => this.#fail(error));
  }

  async #fail(problem: unknown): Promise<void> {
    if (this.#failed) return;
    this.#failed = true;
    await this.#file?.abandon().catch(() => undefined);
    this.#options.onFailed(problem);
  }
}
