import { CodedError } from '#platform/errors.ts';
import { ignoreAbort, listenToAbort, type AbortListener } from './abort-listeners.ts';

/** A POST whose body is text. */
export interface PostRequest {
  /** Everything that is sent, head and body, with one character for each byte. */
  readonly bytes: string;
  readonly signal: AbortSignal;
  /** Whether it may be sent again where a connection ends before it is answered. */
  readonly isRepeatable: boolean;
}

export interface PostAnswer {
  readonly status: number;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

/** Marks what ended because a limit of time was passed: the settings' own or, in the signal's reason, the caller's. */
export class PostTimeout extends Error {}

/** Whoever carries an exchange out, or keeps it until somebody does. */
export interface Carrier {
  /** The exchange has ended without an answer. */
  drop(exchange: Exchange): void;
}

/** One request with its answer to be: settles once, and takes its abort into account from its beginning. */
export class Exchange implements AbortListener {
  readonly request: PostRequest;
  beganAtMs = performance.now();
  carrier: Carrier | null = null;
  /** Answered or failed: nobody waits for it any more. */
  isOver = false;
  #wasRepeated = false;
  readonly #resolve: (answer: PostAnswer) => void;
  readonly #reject: (error: Error) => void;

  constructor(request: PostRequest, resolve: (answer: PostAnswer) => void, reject: (error: Error) => void) {
    this.request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    listenToAbort(request.signal, this);
  }

  /** Whether it may be sent on a second connection. It is not sent a third time. */
  get isRepeatable(): boolean {
    return this.request.isRepeatable && !this.#wasRepeated;
  }

  /** It is about to be sent again, with all of its time before it: what held it up was none of its own. */
  startAgain(): void {
    this.#wasRepeated = true;
    this.beganAtMs = performance.now();
  }

  onAbort(): void {
    const { carrier } = this;
    this.fail(abortError(this.request.signal));
    carrier?.drop(this);
  }

  answer(answer: PostAnswer): void {
    this.#settle();
    this.#resolve(answer);
  }

  fail(error: Error): void {
    this.#settle();
    this.#reject(error);
  }

  #settle(): void {
    this.isOver = true;
    this.carrier = null;
    ignoreAbort(this.request.signal, this);
  }
}

export const abortError = ({ reason }: AbortSignal): Error =>
  reason instanceof CodedError
    ? new PostTimeout('deadline of the caller', { cause: reason })
    : new Error('the caller is gone', { cause: reason });
