import type { z } from 'zod';
import { CodedError } from '#platform/errors.ts';
import type { PollAnswer, PollRequest } from './poll-protocol.ts';

/** How one subscription gets what it tells. */
export interface Listening {
  readonly signal: AbortSignal;
  /** Null: it stays open, and listens to the live bus itself. */
  readonly poll: Poll | null;
  /** To be called with the position behind which it starts, where it follows a log: from there it can be taken up again before its first event. */
  readonly onStart?: (cursor: string) => void;
}

export interface Pace {
  readonly pauseMs?: number;
  readonly againMs?: number;
}

type Outcome = Pick<PollAnswer, 'topics' | 'isOver' | 'pauseMs' | 'againMs'>;

/**
 * One poll of a subscription (see poll-protocol.ts), as its resolver and services see it. It takes the place of the live bus: messages come from
 * whoever polls, topics are only noted, and where the live bus would be waited for, the poll is at its end. Nothing of it outlives the
 * request; what the next one must know goes into the position.
 */
export class Poll {
  readonly #request: PollRequest;
  readonly #topics = new Set<string>();
  #positionOf: () => unknown = () => null;
  #pace: Pace = {};
  #isIdle = false;
  #isFinished = false;
  #isUsed = false;

  constructor(request: PollRequest) {
    this.#request = request;
  }

  /** Whether there was a poll before, which let the caller in. */
  get continues(): boolean {
    return this.#request.position !== undefined;
  }

  /** Whether the subscription has taken notice of being polled: one that has not would be waited for without end. */
  get isUsed(): boolean {
    return this.#isUsed;
  }

  /** What the poll before has kept; null for the first one. Throws BAD_REQUEST for what no poll of this subscription has kept. */
  recall<T>(schema: z.ZodType<T>): T | null {
    if (!this.continues) return null;
    const parsed = schema.safeParse(this.#request.position);
    if (!parsed.success) throw new CodedError('BAD_REQUEST', 'This position is of another subscription.');
    return parsed.data;
  }

  /** For the next poll to recall, as JSON. Asked after each result: what lies behind the position must not be lost with a failure. */
  keep(positionOf: () => unknown): void {
    this.#positionOf = positionOf;
  }

  /** What was heard on these topics, which whoever polls listens to from now on. */
  messagesOn(topics: readonly string[]): readonly unknown[] {
    this.#isUsed = true;
    const wanted = new Set(topics);
    for (const topic of wanted) this.#topics.add(topic);
    return this.#request.messages.filter(({ topic }) => wanted.has(topic)).map(({ payload }) => payload);
  }

  /** The messages on these topics as a subscription to them gives them, and then the end of the poll. */
  listen(topics: readonly string[]): AsyncIterableIterator<unknown, void, void> {
    return this.give(this.messagesOn(topics));
  }

  /** These now, and more with a later poll. */
  async *give<T>(values: Iterable<T>): AsyncGenerator<T, void, void> {
    yield* values;
    this.idle();
  }

  /** A source has nothing more for now. One that ends without it is over for good. */
  idle(): void {
    this.#isIdle = true;
  }

  /** The subscription is over behind what this poll has to tell. */
  finish(): void {
    this.#isUsed = true;
    this.#isFinished = true;
  }

  /** Asked for more than once, the longest pause and the earliest time count. */
  pace({ pauseMs = 0, againMs }: Pace): void {
    const { pauseMs: otherPauseMs = 0, againMs: otherAgainMs = Infinity } = this.#pace;
    const earliestMs = Math.min(againMs ?? Infinity, otherAgainMs);
    this.#pace = {
      pauseMs: Math.max(pauseMs, otherPauseMs),
      ...(earliestMs < Infinity && { againMs: earliestMs }),
    };
  }

  get position(): unknown {
    return this.#positionOf() ?? null;
  }

  /** `isDone`: the subscription's source has ended. */
  outcome(isDone: boolean): Outcome {
    const isOver = isDone && (this.#isFinished || !this.#isIdle);
    return { topics: [...this.#topics], isOver, pauseMs: 0, ...this.#pace };
  }
}
