import type { types } from 'mediasoup';
import type { ParticipantInfo } from '#schema/signalling.ts';
import { SignallingError } from './signalling/signalling-error.ts';

const MAX_PRODUCERS = 4;

export interface SendingOptions {
  /** Throws where the peer may not send, or not any more. */
  readonly requireVoice: () => void;
  readonly isMuted: () => boolean;
  readonly onOpened: (producer: types.Producer, router: types.Router) => void;
  readonly onPaused: (producer: types.Producer) => void;
  readonly onClosed: (producer: types.Producer) => void;
}

/** The streams that a peer sends. They are closed with their transport. */
export class Sending {
  readonly #options: SendingOptions;
  readonly #producers = new Map<string, types.Producer>();

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  get all(): types.Producer[] {
    return [...this.#producers.values()];
  }

  get info(): ParticipantInfo['producers'] {
    return this.all.map(({ id, paused }) => ({ producerId: id, paused }));
  }

  /** Throws LIMIT_REACHED. */
  requireSpace(): void {
    if (this.#producers.size >= MAX_PRODUCERS)
      throw new SignallingError('LIMIT_REACHED', `A participant sends at most ${MAX_PRODUCERS} streams.`);
  }

  /** Takes a new one over, or closes it and throws: what the peer may do can be another while the worker created it. */
  async adopt(producer: types.Producer, router: types.Router): Promise<void> {
    try {
      this.#options.requireVoice();
      this.requireSpace();
    } catch (error) {
      producer.close();
      throw error;
    }
    this.#producers.set(producer.id, producer);
    producer.observer.once('close', () => {
      this.#producers.delete(producer.id);
      this.#options.onClosed(producer);
    });
    for (const event of ['pause', 'resume'] as const)
      producer.observer.on(event, () => this.#options.onPaused(producer));
    this.#options.onOpened(producer, router);
    if (this.#options.isMuted() && !producer.paused) await producer.pause();
  }

  async pause(producerId: string): Promise<void> {
    await this.#require(producerId).pause();
  }

  async resume(producerId: string): Promise<void> {
    const producer = this.#require(producerId);
    if (this.#options.isMuted()) throw new SignallingError('MUTED', 'A moderator has muted you.');
    await producer.resume();
    // The mute may have come while the worker was resuming.
    if (this.#options.isMuted()) await producer.pause();
  }

  async pauseAll(): Promise<void> {
    await Promise.all(this.all.map((producer) => producer.pause()));
  }

  close(producerId: string): void {
    this.#require(producerId).close();
  }

  closeAll(): void {
    for (const producer of this.all) producer.close();
  }

  #require(producerId: string): types.Producer {
    const producer = this.#producers.get(producerId);
    if (!producer) throw new SignallingError('NOT_FOUND', 'There is no such producer.');
    return producer;
  }
}
