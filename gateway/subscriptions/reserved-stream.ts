import type { ServerResponse } from 'node:http';
import { CodedError } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { Identity } from '../auth/auth.ts';
import { onExpiry } from '../auth/expiry.ts';
import { goingAway } from './streamed-answer.ts';
import { openStreamChannel, type StreamChannel } from './stream-channel.ts';
import { SHARED_SSE } from './stream-encodings.ts';
import { StreamOperation, type OperationOrigin } from './stream-operation.ts';

export const noSuchStream = () =>
  new CodedError('NOT_FOUND', 'There is no event stream of this token. Reserve another one.');

export interface ReservedStreamLimits {
  /** Time between the reservation and its stream. */
  readonly openTimeoutMs: number;
  /** Operations at the same time. */
  readonly maxOperations: number;
  /** A stream without any operation for this long is ended. Unset: none is. */
  readonly idleMs?: number | undefined;
  readonly heartbeatMs: number;
  readonly stallMs: number;
}

export interface ReservedStreamOptions {
  /** Names it, and lets in whoever has it: nobody can guess it. */
  readonly token: string;
  /** Who has reserved it; null is nobody in particular. */
  readonly identity: Identity | null;
  readonly limits: ReservedStreamLimits;
  readonly log: Log;
  readonly onOpen: () => void;
  /** Called once. */
  readonly onOver: () => void;
}

/**
 * A stream of the single-connection mode, from its reservation on. It is opened once, owns its operations and ends them with itself;
 * operations may begin before it is opened, and wait with their first result.
 */
export class ReservedStream {
  readonly token: string;
  readonly #options: ReservedStreamOptions;
  readonly #opened = Promise.withResolvers<StreamChannel | null>();
  /** By their ids. */
  readonly #operations = new Map<string, StreamOperation>();
  /** What has begun and not come to its end, be it stopped: it may still hold a result that the client does not take. */
  #running = 0;
  #channel: StreamChannel | null = null;
  #timer: NodeJS.Timeout;
  #identity: Identity | null;
  #stopExpiry: () => void;
  #isLeaving = false;
  #isOver = false;

  constructor(options: ReservedStreamOptions) {
    this.#options = options;
    this.token = options.token;
    this.#identity = options.identity;
    this.#timer = setTimeout(() => this.end(null), options.limits.openTimeoutMs);
    this.#stopExpiry = onExpiry(options.identity, (error) => this.end(error));
  }

  get identity(): Identity | null {
    return this.#identity;
  }

  /** The same caller with another token: it outlives the one before, with everything in it. */
  renew(identity: Identity): void {
    if (this.#isOver || identity.expiresAtMs <= (this.#identity?.expiresAtMs ?? Infinity)) return;
    this.#identity = identity;
    this.#stopExpiry();
    this.#stopExpiry = onExpiry(identity, (error) => this.end(error));
  }

  /** Answers with the stream; resolves when it is over. Throws CONFLICT where it was opened before. */
  open(response: ServerResponse): Promise<void> {
    if (this.#channel) throw new CodedError('CONFLICT', 'The stream of this token is open already.');
    const { heartbeatMs, stallMs } = this.#options.limits;
    const channel = openStreamChannel(response, { ...SHARED_SSE, heartbeatMs, stallMs });
    this.#channel = channel;
    clearTimeout(this.#timer);
    this.#options.onOpen();
    this.#opened.resolve(channel);
    this.#rest();
    return new Promise((resolve) => {
      const over = () => {
        this.end(null);
        resolve();
      };
      if (channel.over.aborted) over();
      else channel.over.addEventListener('abort', over);
    });
  }

  /**
   * Throws CONFLICT where its id is in use, RATE_LIMITED where there are too many, NOT_FOUND where the stream has ended, SERVICE_UNAVAILABLE
   * where it is about to.
   */
  begin(origin: OperationOrigin): StreamOperation {
    const { maxOperations } = this.#options.limits;
    if (this.#isOver) throw noSuchStream();
    if (this.#isLeaving) throw goingAway();
    if (this.#operations.has(origin.id))
      throw new CodedError('CONFLICT', 'Another operation of this stream has the same id.');
    if (this.#running >= maxOperations)
      throw new CodedError('RATE_LIMITED', `One stream runs ${maxOperations} operations at most.`);
    const operation = new StreamOperation({
      ...origin,
      channel: this.#opened.promise,
      log: this.#options.log,
    });
    this.#operations.set(origin.id, operation);
    this.#running += 1;
    if (this.#channel) clearTimeout(this.#timer);
    operation.over.addEventListener('abort', () => this.#operations.delete(origin.id));
    return operation;
  }

  /** To be called once for each operation that has begun, when nothing of it is left. */
  finish(operation: StreamOperation): void {
    operation.end();
    this.#running -= 1;
    if (this.#isLeaving) this.leave();
    else this.#rest();
  }

  /** Ends the operation, if there is one. */
  stop(id: string): void {
    this.#operations.get(id)?.end();
  }

  /** Ends it once the queries and mutations that it has accepted are answered. Its client takes that for a lost connection, and comes again. */
  leave(): void {
    this.#isLeaving = true;
    if (![...this.#operations.values()].some(({ isSubscription }) => !isSubscription)) this.end(null);
  }

  /** Ends it with everything in it; with an error, every operation is told. */
  end(error: CodedError | null): void {
    if (this.#isOver) return;
    this.#isOver = true;
    clearTimeout(this.#timer);
    this.#stopExpiry();
    this.#opened.resolve(null);
    const operations = [...this.#operations.values()];
    const words = error ? operations.map((operation) => operation.lastWords(error)) : [];
    for (const operation of operations) operation.end();
    this.#channel?.end(words.join(''));
    this.#options.onOver();
  }

  /** With nothing to do, it may stay for a while. */
  #rest(): void {
    const { idleMs } = this.#options.limits;
    if (!this.#channel || this.#running > 0 || this.#isOver || idleMs === undefined) return;
    this.#timer = setTimeout(() => this.end(null), idleMs);
  }
}
