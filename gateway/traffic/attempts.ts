import type { FormattedExecutionResult } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import type { SubgraphClient, SubgraphFetch } from '../engine/client/subgraph-client.ts';
import { Admission, AdmissionRefused, type AdmissionOptions } from './admission.ts';
import { createBreaker, type Breaker, type BreakerOptions, type Outcome, type Pass } from './breaker.ts';
import { NotSentError } from './refusal.ts';
import { createRetryBudget, delayBefore, pauseFor, type RetryOptions } from './retries.ts';

export interface AttemptOptions {
  /** Of the subgraph, for errors. */
  readonly name: string;
  readonly retries: RetryOptions;
  /** Null: a subgraph is asked however often it fails. */
  readonly breaker: BreakerOptions | null;
  readonly concurrency: AdmissionOptions;
  /** Told how long every request took that was really sent. */
  readonly onSent?: (durationMs: number) => void;
}

type Granted = Extract<Pass, { isOpen: false }>;

/**
 * Sends fetches to one subgraph, where its breaker and its concurrency limit allow it, and queries that did not get through again. The
 * breaker judges every attempt and stops retries as well; the wait for a place is nothing that it blames on the subgraph; between its attempts
 * a fetch occupies no place. GraphQL errors are answers, not failures.
 *
 * One class for what could be four layers: every layer of promises would be paid for with every fetch.
 */
export class Attempts {
  readonly #client: SubgraphClient;
  readonly #options: AttemptOptions;
  readonly #admission: Admission;
  readonly #breaker: Breaker | null;
  readonly #budget: ReturnType<typeof createRetryBudget>;

  constructor(client: SubgraphClient, options: AttemptOptions) {
    this.#client = client;
    this.#options = options;
    this.#admission = new Admission(options.concurrency);
    this.#breaker = options.breaker && createBreaker(options.breaker);
    this.#budget = createRetryBudget(options.retries);
  }

  /** Rejects as SubgraphClient does, with a NotSentError where the gateway itself held the fetch back. */
  fetch(request: SubgraphFetch): Promise<FormattedExecutionResult> {
    this.#budget.earn();
    return this.#attempt(request, 1);
  }

  #attempt(request: SubgraphFetch, number: number): Promise<FormattedExecutionResult> {
    const pass = this.#breaker?.pass() ?? null;
    if (pass?.isOpen) return Promise.reject(this.#leftAlone(pass.retryAfterMs));
    if (this.#admission.tryEnter()) return this.#send(request, number, pass);
    return this.#admission.wait(request.signal).then(
      () => this.#send(request, number, pass),
      (error: unknown) => {
        pass?.settle('unknown');
        throw error instanceof AdmissionRefused ? this.#tooMany() : error;
      },
    );
  }

  #send(request: SubgraphFetch, number: number, pass: Granted | null): Promise<FormattedExecutionResult> {
    const sentAtMs = performance.now();
    const over = () => {
      this.#admission.leave();
      this.#options.onSent?.(performance.now() - sentAtMs);
    };
    return this.#client.fetch(request).then(
      (result) => {
        over();
        pass?.settle('success');
        return result;
      },
      (error: unknown) => {
        over();
        pass?.settle(outcomeOf(error, request.signal));
        return this.#again(request, number, error);
      },
    );
  }

  async #again(request: SubgraphFetch, number: number, error: unknown): Promise<FormattedExecutionResult> {
    const { retries } = this.#options;
    const { attempts, pause = pauseFor, onRetry } = retries;
    const isLast = number >= attempts || request.operation.kind !== 'query' || request.signal.aborted;
    const delayMs = isLast ? null : delayBefore(number, error, retries);
    if (delayMs === null || !this.#budget.spend()) throw error;
    onRetry?.();
    request.span?.setAttribute('http.request.resend_count', number);
    // The caller's end during the pause must not hide why the subgraph failed.
    await pause(delayMs, request.signal).catch(() => Promise.reject(error));
    return this.#attempt(request, number + 1);
  }

  #leftAlone(retryAfterMs: number): NotSentError {
    const message = `The subgraph ${this.#options.name} keeps failing and is left alone for now.`;
    return new NotSentError(message, { retryAfterMs });
  }

  #tooMany(): NotSentError {
    return new NotSentError(`The subgraph ${this.#options.name} has too many requests waiting.`);
  }
}

/** A caller who went away proves nothing, a caller whose deadline passed proves that the subgraph was too slow. */
function outcomeOf(error: unknown, signal: AbortSignal): Outcome {
  if (error instanceof NotSentError) return 'unknown';
  if (signal.aborted && !(signal.reason instanceof CodedError)) return 'unknown';
  return 'failure';
}
