import type { FormattedExecutionResult } from 'graphql';
import { setTimeout as sleep } from 'node:timers/promises';
import { messageOf } from '#platform/errors.ts';
import { backoffMs } from '#platform/events/backoff.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import type { Log } from '#platform/log.ts';
import { MAX_POLL_MESSAGES, type LiveMessage, type PollAnswer } from '#platform/polling/poll-protocol.ts';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { EventQueue } from '../event-queue.ts';
import type { SubgraphFetch } from '../subgraph-client.ts';
import type { Gate } from './gate.ts';
import { sendPoll, type PollOutcome, type PollSender } from './poll-request.ts';
import { isPassing } from '../passing-failures.ts';
import { TopicListener } from './topic-listener.ts';

export interface PollingOptions extends PollSender {
  readonly liveBus: LiveBus;
  /** Longest time between two polls, give or take a fifth: a live message may get lost. */
  readonly pollMs: number;
  /** Polls of one subgraph must not take all the places that its other requests need. */
  readonly gate: Gate;
  /** How results are shown to the plan. */
  readonly present: (result: FormattedExecutionResult) => FormattedExecutionResult;
  readonly log: Log;
  /** How long a subgraph that fails is polled on before the reader is told. */
  readonly giveUpMs: number;
}

/** While so many events wait for their reader, the subgraph is not asked for more. */
const MAX_WAITING = 16;
/** Far above what waits at most: some of one poll's results above that. */
const MAX_QUEUED = 1_000;
/** Messages kept for the next poll. The oldest goes first, as in a live subscription: what must not be lost is in a log. */
const MAX_HEARD = 1_000;
const MAX_PAUSE_MS = 60_000;
/** However soon a subgraph wants to be polled again with nothing heard. */
const MIN_POLL_MS = 100;
const MAX_RETRY_MS = 5_000;
/** How often the live bus is tried again that could not be listened to. */
const DEAF_MS = 1_000;
const JITTER = 0.2;

/**
 * One subscription that its subgraph does not know of: it is polled when the live bus says so, and from time to time. Where it stands is kept here,
 * and so a subgraph that fails is asked again without the reader noticing.
 */
export class PolledSubscription {
  readonly #options: PollingOptions;
  readonly #request: SubgraphFetch;
  readonly #queue: EventQueue;
  readonly #listener: TopicListener;
  readonly #life = new AbortController();
  readonly #heard: LiveMessage[] = [];
  readonly #onOver: () => void;
  #position: unknown;
  #isDue = true;
  #earliestMs = 0;
  #latestMs = 0;
  #wake: () => void = () => undefined;

  /** `onOver` runs once, however it ends. The request must not have been aborted yet. */
  constructor(request: SubgraphFetch, options: PollingOptions, onOver: () => void) {
    this.#options = options;
    this.#onOver = onOver;
    this.#queue = new EventQueue({
      maxQueued: MAX_QUEUED,
      signal: request.signal,
      stop: () => this.end(),
    });
    this.#request = { ...request, signal: this.#life.signal };
    const onMessage = (message: LiveMessage) => this.#hear(message);
    this.#listener = new TopicListener({ liveBus: options.liveBus, onMessage, log: options.log });
  }

  /** Resolves once what happens is noticed. Rejects as SubgraphClient.subscribe. */
  async open(): Promise<ResultStream | FormattedExecutionResult> {
    try {
      const outcome = await this.#poll([]);
      if ('refusal' in outcome) {
        await this.#queue.stream.return();
        return outcome.refusal;
      }
      await this.#take(outcome.answer);
    } catch (error) {
      await this.#queue.stream.return();
      throw error;
    }
    void this.#run();
    return this.#queue.stream;
  }

  /** Frees everything. The reader gets what has come. */
  end(): void {
    if (this.#life.signal.aborted) return;
    this.#life.abort();
    this.#queue.end();
    this.#listener.close();
    this.#heard.length = 0;
    this.#wake();
    this.#onOver();
  }

  get #isOver(): boolean {
    return this.#life.signal.aborted;
  }

  #hear(message: LiveMessage): void {
    if (this.#heard.push(message) > MAX_HEARD) this.#heard.shift();
    this.#isDue = true;
    this.#wake();
  }

  async #run(): Promise<void> {
    try {
      while (!this.#isOver) {
        await this.#untilDue();
        await this.#queue.whenBelow(MAX_WAITING);
        if (!this.#isOver) await this.#goOn();
      }
    } catch (error) {
      if (!this.#isOver) this.#queue.fail(error instanceof Error ? error : new Error(messageOf(error)));
    }
    this.end();
  }

  async #goOn(): Promise<void> {
    const messages = this.#heard.splice(0, MAX_POLL_MESSAGES);
    this.#isDue = this.#heard.length > 0;
    const outcome = await this.#pollPatiently(messages);
    if ('answer' in outcome) return this.#take(outcome.answer);
    // A result without data: it says why there are no more.
    this.#queue.push(outcome.refusal);
    this.end();
  }

  async #take({ results, topics, position, isMore, isOver, ...pace }: PollAnswer): Promise<void> {
    this.#position = position;
    for (const result of results) this.#queue.push(this.#options.present(result));
    if (isOver) return this.end();
    if (isMore) this.#isDue = true;
    if (!this.#listener.hears(topics)) {
      // What happened between the poll and the listening is seen by neither: it is asked for once more.
      this.#isDue = true;
      await this.#listener.listenTo(topics);
    }
    this.#schedule(pace, isMore, this.#listener.hears(topics));
  }

  #schedule(
    { pauseMs, againMs = Infinity }: Pick<PollAnswer, 'pauseMs' | 'againMs'>,
    isMore: boolean,
    hears: boolean,
  ) {
    const nowMs = performance.now();
    const longestMs = Math.min(
      this.#options.pollMs,
      Math.max(againMs, MIN_POLL_MS),
      hears ? Infinity : DEAF_MS,
    );
    this.#earliestMs = isMore ? nowMs : nowMs + Math.min(pauseMs, MAX_PAUSE_MS);
    this.#latestMs = nowMs + longestMs * (1 - JITTER + 2 * JITTER * Math.random());
    if (!hears) this.#isDue = isMore || this.#heard.length > 0;
  }

  async #untilDue(): Promise<void> {
    while (!this.#isOver) {
      const dueMs = this.#isDue ? this.#earliestMs : Math.max(this.#earliestMs, this.#latestMs);
      const waitMs = dueMs - performance.now();
      if (waitMs <= 0) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, waitMs);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }

  async #poll(messages: readonly LiveMessage[]): Promise<PollOutcome> {
    const { gate } = this.#options;
    await gate.enter(this.#life.signal);
    try {
      return await sendPoll(this.#options, this.#request, { position: this.#position, messages });
    } finally {
      gate.leave();
    }
  }

  /** The same poll again where it failed, for as long as the failure may pass. */
  async #pollPatiently(messages: readonly LiveMessage[]): Promise<PollOutcome> {
    const { giveUpMs, name, log } = this.#options;
    const endMs = performance.now() + giveUpMs;
    for (let failures = 1; ; failures++) {
      const outcome = await this.#poll(messages).catch((error: unknown) => ({ error }));
      const mayPass = 'error' in outcome || ('refusal' in outcome && isPassing(outcome.refusal));
      if (!mayPass) return outcome;
      if (this.#isOver || performance.now() > endMs) {
        if ('error' in outcome) throw outcome.error;
        return outcome;
      }
      const reason = 'error' in outcome ? messageOf(outcome.error) : outcome.refusal.errors?.[0]?.message;
      log.info({ subgraph: name, failures, reason }, 'poll of a subscription failed, asking again');
      const { signal } = this.#life;
      await sleep(Math.min(backoffMs(failures), MAX_RETRY_MS), undefined, { signal }).catch(() => undefined);
    }
  }
}
