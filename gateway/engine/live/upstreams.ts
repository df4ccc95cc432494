import type { FormattedExecutionResult } from 'graphql';
import { isResultStream, type ResultStream } from '#platform/subgraph-endpoint.ts';
import { EventQueue } from '../client/event-queue.ts';
import type { SubgraphClient, SubgraphFetch } from '../client/subgraph-client.ts';
import { isJsonObject, type JsonObject } from '../plan/execution.ts';

export interface UpstreamRequest extends Omit<SubgraphFetch, 'signal' | 'onStart'> {
  /** All that can make the events of two upstreams differ, besides operation, variables and position. */
  readonly audience: string;
  /** Where it goes on; null or undefined: now. */
  readonly position: unknown;
  /** The position behind an event, null where it has none. */
  readonly cursorOf: ((data: JsonObject) => string | null) | null;
}

/** One subscription at a subgraph for all who ask it the same. */
export interface Upstreams {
  /**
   * As SubgraphClient.subscribe; results are the caller's own. Ends with `signal`. `onStart` gets the position behind which the caller's results
   * begin, before the first of them, where it is known.
   */
  open(
    client: SubgraphClient,
    request: UpstreamRequest,
    signal: AbortSignal,
    onStart: (cursor: string) => void,
  ): Promise<ResultStream | FormattedExecutionResult>;
}

/** How much is shared now, and how often upstreams were lost. */
export interface LiveCounts {
  groups: number;
  upstreams: number;
  /** Times that a subscription went on from its log. */
  resumptions: number;
}

/** Events that may wait for one reader; past this its stream fails. */
const MAX_WAITING = 1_000;

export function createUpstreams(counts: LiveCounts): Upstreams {
  const byClient = new WeakMap<SubgraphClient, Map<string, Upstream>>();
  return {
    async open(client, request, signal, onStart) {
      // Nobody would be there to let it go.
      signal.throwIfAborted();
      let known = byClient.get(client);
      if (!known) byClient.set(client, (known = new Map()));
      const upstreams = known;
      const key = keyOf(request);
      let upstream = upstreams.get(key);
      if (!upstream?.isJoinable) {
        counts.upstreams += 1;
        const opened = new Upstream(client, request, () => {
          counts.upstreams -= 1;
          if (upstreams.get(key) === opened) upstreams.delete(key);
        });
        upstreams.set(key, (upstream = opened));
      }
      return upstream.join(signal, onStart);
    },
  };
}

const keyOf = ({ operation, variables, position, audience }: UpstreamRequest) =>
  [audience, JSON.stringify([variables, position ?? null]), operation.query].join('\n');

class Upstream {
  readonly #queues = new Set<EventQueue>();
  readonly #cursorOf: UpstreamRequest['cursorOf'];
  readonly #onStart = new Set<(cursor: string) => void>();
  readonly #leaving = new AbortController();
  readonly #opened: Promise<ResultStream | FormattedExecutionResult>;
  readonly #onOver: () => void;
  readonly #startsNow: boolean;
  #hasBegun = false;
  /** Behind what was given so far. */
  #position: string | null = null;
  #isOver = false;

  constructor(client: SubgraphClient, request: UpstreamRequest, onOver: () => void) {
    this.#onOver = onOver;
    this.#startsNow = (request.position ?? null) === null;
    this.#cursorOf = request.cursorOf;
    const onStart = (cursor: string) => this.#start(cursor);
    this.#opened = client.subscribe({ ...request, signal: this.#leaving.signal, onStart });
    void this.#follow();
  }

  /** Whoever goes on from a position must see the first event behind it. */
  get isJoinable(): boolean {
    return !this.#isOver && (this.#startsNow || !this.#hasBegun);
  }

  async join(
    signal: AbortSignal,
    onStart: (cursor: string) => void,
  ): Promise<ResultStream | FormattedExecutionResult> {
    const stop = () => this.#leave(queue);
    const queue: EventQueue = new EventQueue({ maxQueued: MAX_WAITING, signal, stop });
    this.#queues.add(queue);
    if (this.#position !== null) onStart(this.#position);
    else if (!this.#hasBegun) this.#onStart.add(onStart);
    const opened = await this.#opened;
    return isResultStream(opened) ? queue.stream : opened;
  }

  #leave(queue: EventQueue): void {
    this.#queues.delete(queue);
    if (this.#queues.size === 0) this.#end();
  }

  #end(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#onOver();
    this.#leaving.abort();
  }

  async #follow(): Promise<void> {
    try {
      const opened = await this.#opened;
      if (isResultStream(opened)) for await (const result of opened) this.#publish(result);
      for (const queue of this.#queues) queue.end();
    } catch (error) {
      for (const queue of this.#queues) queue.fail(error instanceof Error ? error : new Error(String(error)));
    } finally {
      this.#end();
    }
  }

  #start(cursor: string): void {
    if (this.#hasBegun) return;
    this.#position = cursor;
    for (const onStart of this.#onStart) onStart(cursor);
    this.#onStart.clear();
  }

  /** Each reader changes what it gets. */
  #publish(result: FormattedExecutionResult): void {
    this.#hasBegun = true;
    this.#onStart.clear();
    // Without a cursor nobody knows where it stands.
    this.#position = isJsonObject(result.data) ? (this.#cursorOf?.(result.data) ?? null) : null;
    const text = this.#queues.size > 1 ? JSON.stringify(result) : null;
    for (const queue of this.#queues) queue.push(text === null ? result : JSON.parse(text));
  }
}
