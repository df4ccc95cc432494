import type { Dispatcher, Pool } from 'undici';
import { CodedError } from '#platform/errors.ts';

export interface PostRequest {
  readonly path: string;
  /** Names and values in turn. */
  readonly headers: string[];
  readonly body: Dispatcher.DispatchOptions['body'];
  readonly signal: AbortSignal;
}

export interface PostSettings {
  /** Shown in errors. */
  readonly name: string;
  /** From asking, waiting for a connection included, until the answer begins. */
  readonly headersTimeoutMs: number;
  /** From then on until the whole answer is there. */
  readonly bodyTimeoutMs: number;
  readonly maxResponseBytes: number;
}

export interface PostAnswer {
  readonly status: number;
  readonly retryAfter: string | string[] | undefined;
  readonly text: string;
}

/** Marks what ended because a limit of time was passed: the settings' own or, in the signal's reason, the caller's. */
export class PostTimeout extends Error {}

/**
 * Sends a POST and reads the whole answer. Rejects with a PostTimeout, with a CodedError where the answer is too large, else with whatever
 * went wrong on the way.
 *
 * Straight on the dispatcher: undici's own `request` makes a stream and abort signals of every answer, which costs more than the rest.
 */
export function post(pool: Pool, request: PostRequest, settings: PostSettings): Promise<PostAnswer> {
  const { path, headers, body, signal } = request;
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(abortError(signal));
    const exchange = new Exchange(settings, signal, resolve, reject);
    pool.dispatch({ path, method: 'POST', headers, body }, exchange);
  });
}

const abortError = ({ reason }: AbortSignal): Error =>
  reason instanceof CodedError
    ? new PostTimeout('deadline of the caller', { cause: reason })
    : new Error('the caller is gone', { cause: reason });

/** One request under way, as undici's handler of it. */
class Exchange implements Dispatcher.DispatchHandler {
  readonly #settings: PostSettings;
  readonly #signal: AbortSignal;
  readonly #resolve: (answer: PostAnswer) => void;
  readonly #reject: (error: Error) => void;
  readonly #onAbort = () => this.#fail(abortError(this.#signal));
  #timer: NodeJS.Timeout;
  #controller: Dispatcher.DispatchController | null = null;
  #failure: Error | null = null;
  #status = 0;
  #retryAfter: PostAnswer['retryAfter'];
  #bytes = 0;
  readonly #chunks: Buffer[] = [];

  constructor(
    settings: PostSettings,
    signal: AbortSignal,
    resolve: (answer: PostAnswer) => void,
    reject: (error: Error) => void,
  ) {
    this.#settings = settings;
    this.#signal = signal;
    this.#resolve = resolve;
    this.#reject = reject;
    this.#timer = setTimeout(() => this.#late(), settings.headersTimeoutMs);
    signal.addEventListener('abort', this.#onAbort);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    // Nobody waits for one that ended while it was queued for a connection.
    if (this.#failure) controller.abort(this.#failure);
    else this.#controller = controller;
  }

  onResponseStart(
    _controller: Dispatcher.DispatchController,
    status: number,
    headers: Parameters<NonNullable<Dispatcher.DispatchHandler['onResponseStart']>>[2],
  ): void {
    // Informational ones come before the answer.
    if (status < 200 || this.#failure) return;
    this.#status = status;
    this.#retryAfter = headers['retry-after'];
    const { headersTimeoutMs, bodyTimeoutMs } = this.#settings;
    if (bodyTimeoutMs === headersTimeoutMs) return void this.#timer.refresh();
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#late(), bodyTimeoutMs);
  }

  onResponseData(_controller: Dispatcher.DispatchController, chunk: Buffer): void {
    const { maxResponseBytes, name } = this.#settings;
    this.#bytes += chunk.length;
    if (this.#bytes <= maxResponseBytes) this.#chunks.push(chunk);
    else this.#fail(new CodedError('SUBGRAPH_ERROR', `The subgraph ${name} answered with too much data.`));
  }

  onResponseEnd(): void {
    if (this.#failure) return;
    this.#settle();
    const [only] = this.#chunks;
    const whole = this.#chunks.length === 1 && only ? only : Buffer.concat(this.#chunks, this.#bytes);
    this.#resolve({ status: this.#status, retryAfter: this.#retryAfter, text: whole.toString('utf8') });
  }

  onResponseError(_controller: Dispatcher.DispatchController | null, error: Error): void {
    this.#fail(error);
  }

  #late(): void {
    this.#fail(new PostTimeout('no answer in time'));
  }

  #fail(error: Error): void {
    if (this.#failure) return;
    this.#failure = error;
    this.#settle();
    this.#reject(error);
    this.#controller?.abort(error);
  }

  #settle(): void {
    clearTimeout(this.#timer);
    this.#signal.removeEventListener('abort', this.#onAbort);
  }
}
