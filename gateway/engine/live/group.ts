import type { FormattedExecutionResult } from 'graphql';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import type { Log } from '#platform/log.ts';
import type { EngineScope } from '../engine.ts';
import { completeEvent, lostWith, refusedBy } from './complete-event.ts';
import { Feed } from './feed.ts';
import { createInOrder, type InOrder } from './in-order.ts';
import type { LiveEvent } from './live-event.ts';
import type { LivePlan } from './live-plan.ts';
import { followPlans, type LivePlans, type ServingSource } from './live-plans.ts';
import type { RecentEvents } from './recent-events.ts';
import type { Following, Subscriber } from './subscriber.ts';
import type { Upstreams } from './upstreams.ts';

export interface GroupOptions {
  readonly plan: LivePlan;
  readonly source: ServingSource;
  readonly request: GraphQLRequest;
  readonly scope: EngineScope;
  readonly audience: string;
  readonly start: unknown;
  readonly recent: RecentEvents;
  readonly upstreams: Upstreams;
  readonly log: Log;
  readonly resumeMs: number | undefined;
  /** Each time that it has gone on from its log. */
  readonly onResumed: () => void;
  /** After each event with a position. */
  readonly onDelivered: (group: Group, cursor: string) => void;
  readonly onOver: (group: Group) => void;
}

/** Events whose completion is under way at the same time. */
const MAX_COMPLETING = 32;
/** So long events wait where none of the subscribers can take more. */
const MAX_WAIT_MS = 5_000;

/** All who asked the same operation for the same caller: each event is completed once, and handed to all of them. */
export class Group {
  readonly recent: RecentEvents;
  /** Resolves with a refusal, or null once it is live. */
  readonly opened: Promise<FormattedExecutionResult | null>;
  /** Whether whoever wants to start now may join: it is not known to lag behind. */
  isLive: boolean;
  /** Whether the subgraph has taken it. */
  isOpen = false;
  readonly #options: GroupOptions;
  readonly #plans: LivePlans;
  readonly #feed: Feed;
  readonly #followers = new Set<Follower>();
  readonly #leaving = new AbortController();
  readonly #completed: InOrder<LiveEvent>;
  #isOver = false;

  constructor(options: GroupOptions) {
    const { plan, source, request, scope, start, recent } = options;
    this.#options = options;
    this.recent = recent;
    this.isLive = (start ?? null) === null;
    const signal = this.#leaving.signal;
    const live: EngineScope = groupScope(scope, signal);
    this.#plans = followPlans(plan, source, request, live, () => this.#feed.askAnew());
    this.#feed = new Feed({ ...options, scope: live, signal, plan: () => this.#plans.current });
    this.#completed = createInOrder(MAX_COMPLETING, (event) => this.#deliver(event));
    this.opened = this.#open();
  }

  get plan(): LivePlan {
    return this.#plans.current;
  }

  /** Hands over the events behind `place` that are known, and all that come. */
  add(follower: Follower, place: unknown): void {
    follower.group = this;
    this.#followers.add(follower);
    for (const event of this.recent.behind(place) ?? []) follower.subscriber.next(event);
  }

  /** Its last one takes the group along. */
  remove(follower: Follower): void {
    this.#followers.delete(follower);
    if (this.#followers.size === 0) this.#close();
  }

  /** All of them go over to another group, which is at `place` or ahead of it. */
  moveTo(group: Group, place: string): void {
    group.isLive ||= this.isLive;
    for (const follower of this.#followers) group.add(follower, place);
    this.#followers.clear();
    this.#close();
  }

  #close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#leaving.abort();
    this.#plans.release();
    this.recent.clear();
    void this.#feed.close();
    this.#options.onOver(this);
  }

  async #open(): Promise<FormattedExecutionResult | null> {
    const refusal = await this.#tryOpening();
    this.isOpen = refusal === null;
    if (refusal) this.#close();
    else void this.#run();
    return refusal;
  }

  async #tryOpening(): Promise<FormattedExecutionResult | null> {
    const { plan, scope } = this.#options;
    try {
      const refusal = await this.#feed.open();
      return refusal && (await refusedBy(plan, refusal, scope.correlationId));
    } catch (error) {
      return lostWith(plan, error, scope.correlationId);
    }
  }

  async #run(): Promise<void> {
    const last = await this.#pump();
    await this.#completed.settled();
    const followers = [...this.#followers];
    this.#followers.clear();
    this.#close();
    for (const { subscriber } of followers) subscriber.end(last);
  }

  /** Resolves with the last result, or null where the subscription is complete. */
  async #pump(): Promise<FormattedExecutionResult | null> {
    const { scope, log } = this.#options;
    const { correlationId } = scope;
    try {
      for (;;) {
        const event = await this.#plans.outdated.orEnd(this.#feed.next());
        if ('last' in event) return event.last;
        if (event.done) return event.value && (await refusedBy(this.plan, event.value, correlationId));
        // A result without data is no event: it says why there are no more.
        if (event.value.result.data === undefined)
          return await refusedBy(this.plan, event.value.result, correlationId);
        await this.#completed.add(completeEvent(event.value, correlationId, log));
      }
    } catch (error) {
      return this.#isOver ? null : lostWith(this.plan, error, correlationId);
    }
  }

  async #deliver(event: LiveEvent): Promise<void> {
    for (const { subscriber } of this.#followers) subscriber.next(event);
    if (this.#isOver) return;
    const { cursor } = event;
    if (cursor !== null) {
      this.recent.add(event);
      this.#options.onDelivered(this, cursor);
    }
    await this.#whenOneIsReady();
  }

  /** Who catches up gets its events at its own pace; who shares them with others that are faster does not hold those up. */
  async #whenOneIsReady(): Promise<void> {
    const waits: Promise<void>[] = [];
    for (const { subscriber } of this.#followers) {
      const wait = subscriber.busy();
      if (!wait) return;
      waits.push(wait);
    }
    if (waits.length === 0) return;
    const timeout = Promise.withResolvers<void>();
    const timer = setTimeout(timeout.resolve, MAX_WAIT_MS);
    await Promise.race([...waits, timeout.promise]);
    clearTimeout(timer);
  }
}

/** Headers as they are at each moment, and an end of its own: the group outlives whoever began it. */
function groupScope(scope: EngineScope, signal: AbortSignal): EngineScope {
  const { correlationId, grants } = scope;
  return {
    signal,
    get headers() {
      return scope.headers;
    },
    ...(correlationId !== undefined && { correlationId }),
    ...(grants && { grants }),
  };
}

/** One subscriber, in whichever group its events are completed. */
export class Follower implements Following {
  readonly subscriber: Subscriber;
  group: Group | null = null;

  constructor(subscriber: Subscriber) {
    this.subscriber = subscriber;
  }

  stop(): void {
    this.group?.remove(this);
    this.group = null;
  }
}
