import type { FormattedExecutionResult } from 'graphql';
import { setTimeout as sleep } from 'node:timers/promises';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { isResultStream, type ResultStream } from '#platform/subgraph-endpoint.ts';
import { isPassing } from '../client/passing-failures.ts';
import type { ClientSet } from '../client-registry.ts';
import type { EngineScope } from '../engine.ts';
import { isJsonObject } from '../plan/execution.ts';
import { asksTheSame, type LivePlan } from './live-plan.ts';
import type { Upstreams } from './upstreams.ts';

export interface FeedOptions {
  /** By what plan events are asked for now. */
  readonly plan: () => LivePlan;
  readonly upstreams: Upstreams;
  /** See UpstreamRequest. */
  readonly audience: string;
  readonly scope: EngineScope;
  /** Ends it. */
  readonly signal: AbortSignal;
  /** Where the client wants to go on; null or undefined: now. */
  readonly start: unknown;
  readonly log: Log;
  readonly onResumed: () => void;
  /** How long a lost upstream is tried again. */
  readonly resumeMs?: number | undefined;
}

/** An event as the subgraph sent it, its fields under the names of the plan. */
export interface FeedEvent {
  readonly result: FormattedExecutionResult;
  readonly cursor: string | null;
  readonly plan: LivePlan;
}

const RESUME_MS = 60_000;
const MIN_DELAY_MS = 50;
const MAX_DELAY_MS = 2_000;

/**
 * The events of one subscription from its subgraph, in order, over as many upstreams as it takes: one that is lost is taken up again behind the
 * last event, where the subscription has a log.
 */
export class Feed {
  readonly #options: FeedOptions;
  #position: unknown;
  #upstream: { readonly stream: ResultStream; readonly plan: LivePlan; readonly clients: ClientSet } | null =
    null;
  /** Another plan asks for other events, from the position on. */
  #isOutdated = false;
  /** Since the last event: when it was lost first, and how often. */
  #lostAtMs: number | null = null;
  #losses = 0;

  constructor(options: FeedOptions) {
    this.#options = options;
    this.#position = options.start;
  }

  /** Resolves with what the subgraph refuses it with, or null once it is live. Rejects where the subgraph cannot be reached. */
  async open(): Promise<FormattedExecutionResult | null> {
    const { plan: planNow, upstreams, audience, scope, signal } = this.#options;
    const plan = planNow();
    const { subscription, clients, variables } = plan;
    const { service, operation, variablesOf, log } = subscription;
    const used = clients.use();
    try {
      const client = used.get(service);
      if (!client) throw new CodedError('SUBGRAPH_UNAVAILABLE', `The subgraph ${service} is not connected.`);
      const position = this.#position;
      const positioned = log ? { ...variables, [log.variable]: position ?? undefined } : variables;
      const request = {
        operation,
        variables: variablesOf({ variables: positioned }),
        representations: null,
        headers: scope.headers,
        audience,
        position,
        cursorOf: log?.cursorOf ?? null,
      };
      const opened = await upstreams.open(client, request, signal, (cursor) => {
        if (log) this.#position ??= cursor;
      });
      if (isResultStream(opened)) this.#upstream = { stream: opened, plan, clients };
      else clients.release();
      return isResultStream(opened) ? null : opened;
    } catch (error) {
      clients.release();
      throw error;
    }
  }

  /** The next event, or how it ended. Rejects where events are lost. For one reader. */
  async next(): Promise<IteratorResult<FeedEvent, FormattedExecutionResult | null>> {
    for (;;) {
      const upstream = this.#upstream;
      if (!upstream) return { done: true, value: null };
      try {
        const { value, done } = await upstream.stream.next();
        if (this.#options.signal.aborted || (done && !this.#isOutdated)) {
          await this.close();
          return { done: true, value: null };
        }
        if (value && !this.#isOutdated) {
          const event = this.#received(value, this.#planFor(upstream.plan));
          if (!this.#canResume || !isLoss(event.result)) return { done: false, value: event };
          this.#noteLoss('its subgraph cannot tell its events now');
        }
        await this.close();
      } catch (error) {
        await this.close();
        if (!this.#canResume || this.#options.signal.aborted) throw error;
        this.#noteLoss(messageOf(error));
      }
      const refusal = await this.#resume();
      if (refusal) return { done: true, value: refusal };
    }
  }

  /** Whether the events behind the last one can be asked for by another plan; if so, they are. */
  askAnew(): boolean {
    if (!this.#canResume) return false;
    this.#isOutdated = true;
    void this.#upstream?.stream.return();
    return true;
  }

  async close(): Promise<void> {
    const upstream = this.#upstream;
    this.#upstream = null;
    upstream?.clients.release();
    await upstream?.stream.return();
  }

  get #canResume(): boolean {
    return (this.#position ?? null) !== null;
  }

  /** An event is completed by the plan that is in force when it comes, where that asks for the same events: the caller may see less by now. */
  #planFor(asked: LivePlan): LivePlan {
    const inForce = this.#options.plan();
    return asksTheSame(inForce, asked) ? inForce : asked;
  }

  #received(result: FormattedExecutionResult, plan: LivePlan): FeedEvent {
    const { data } = result;
    if (!isJsonObject(data)) return { result, cursor: null, plan };
    const { rewrite, log } = plan.subscription;
    rewrite?.(data);
    const cursor = log?.cursorOf(data) ?? null;
    if (cursor !== null) this.#position = cursor;
    this.#lostAtMs = null;
    this.#losses = 0;
    return { result, cursor, plan };
  }

  #noteLoss(reason: string): void {
    if (this.#lostAtMs === null)
      this.#options.log.info({ reason }, 'subscription lost its upstream, going on from its log');
    this.#lostAtMs ??= performance.now();
    this.#losses += 1;
  }

  /** Resolves with a refusal, or null once it is live again. The pauses become longer until there is an event. */
  async #resume(): Promise<FormattedExecutionResult | null> {
    const { signal, resumeMs = RESUME_MS } = this.#options;
    for (;;) {
      this.#isOutdated = false;
      if (this.#losses > 1)
        await pause(Math.min(MAX_DELAY_MS, MIN_DELAY_MS * 2 ** (this.#losses - 2)), signal);
      const isLastTry = performance.now() - (this.#lostAtMs ?? Infinity) > resumeMs;
      try {
        const refusal = await this.open();
        if (!refusal) this.#options.onResumed();
        if (!refusal || isLastTry || !isPassing(refusal)) return refusal;
      } catch (error) {
        if (signal.aborted || isLastTry) throw error;
      }
      this.#losses += 1;
    }
  }
}

/** No event, but that there are none now. */
const isLoss = (result: FormattedExecutionResult) => result.data === undefined && isPassing(result);

/** Half of it at random, so that many do not come back at the same moment. */
const pause = (ms: number, signal: AbortSignal) =>
  sleep(ms * (0.5 + Math.random() / 2), undefined, { signal, ref: false }).catch(() => undefined);
