import type { types } from 'mediasoup';
import type { ParticipantInfo } from '#schema/signalling.ts';
import { fullBucket, takeToken } from './domain/token-bucket.ts';
import { SignallingError } from './signalling/signalling-error.ts';

const MAX_PRODUCERS = 4;
/** Everybody in the room is told of a stream that begins or goes on, and takes it in: more than a hand on a button does is refused. */
const BURST_OPENINGS = 30;
const OPENINGS_PER_SECOND = 2;

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
  #openings = fullBucket(BURST_OPENINGS, OPENINGS_PER_SECOND, Date.now());

  constructor(options: SendingOptions) {
    this.#options = options;
  }

  get all(): types.Producer[] {
    return [...this.#producers.values()];
  }

  get info(): ParticipantInfo['producers'] {
    return this.all.map(({ id, paused }) => ({ producerId: id, paused }));
  }

  /** Throws LIMIT_REACHED, or RATE_LIMITED where streams come and go too fast. */
  requireSpace(): void {
    this.#requireFree();
    this.#requireTurn();
  }

  #requireFree(): void {
    if (this.#producers.size >= MAX_PRODUCERS)
      throw new SignallingError('LIMIT_REACHED', `A participant sends at most ${MAX_PRODUCERS} streams.`);
  }

  /** Takes a new one over, or closes it and throws: what the peer may do can be another while the worker created it. */
  async adopt(producer: types.Producer, router: types.Router): Promise<void> {
    try {
      this.#options.requireVoice();
      this.#requireFree();
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
    if (producer.paused) this.#requireTurn();
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

  // Silence is never refused: whoever pauses or closes a stream may not want to be heard.
  #requireTurn(): void {
    const { bucket, waitMs } = takeToken(this.#openings, Date.now());
    this.#openings = bucket;
    if (waitMs > 0)
      throw new SignallingError('RATE_LIMITED', 'Your microphone goes on and off too fast.', waitMs);
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
