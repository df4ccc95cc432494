import { ignoreAbort, listenToAbort, type AbortListener } from '../engine/client/http1/abort-listeners.ts';
import type { SubgraphAnswer, SubgraphClient, SubgraphFetch } from '../engine/client/subgraph-client.ts';
import { dividedAnswer } from './divided-answer.ts';

/** A fetch of entities. */
export interface EntityFetch extends SubgraphFetch {
  readonly representations: readonly string[];
}

/** A fetch that waits until it is sent, and then for its answer. Who leaves is told at once, and wants nothing from then on. */
export class Asker implements AbortListener {
  readonly request: EntityFetch;
  /** Null while it is not sent. */
  joint: JointFetch | null = null;
  readonly #outcome = Promise.withResolvers<SubgraphAnswer>();

  /** The request must not be aborted yet. */
  constructor(request: EntityFetch) {
    this.request = request;
    listenToAbort(request.signal, this);
  }

  get answer(): Promise<SubgraphAnswer> {
    return this.#outcome.promise;
  }

  get hasLeft(): boolean {
    return this.request.signal.aborted;
  }

  onAbort(): void {
    const { reason } = this.request.signal;
    this.#outcome.reject(reason);
    this.joint?.leave(reason);
  }

  /** Nobody joins: the request goes out as it came, and from now on its abort is for the client to see. */
  sendAlone(client: SubgraphClient): void {
    ignoreAbort(this.request.signal, this);
    this.#outcome.resolve(client.fetch(this.request));
  }

  settle(answer: SubgraphAnswer): void {
    ignoreAbort(this.request.signal, this);
    this.#outcome.resolve(answer);
  }

  fail(error: unknown): void {
    ignoreAbort(this.request.signal, this);
    this.#outcome.reject(error);
  }
}

interface Part {
  readonly asker: Asker;
  /** Where what it wants stands in the joint request, in the order of its own. */
  readonly positions: readonly number[];
}

/** One request for the entities of several askers, whose requests differ in nothing else. Each representation is sent once. */
export class JointFetch {
  readonly #parts: Part[] = [];
  /** Position of each representation in the request. */
  readonly #positions = new Map<string, number>();
  readonly #controller = new AbortController();
  #waiting = 0;

  get size(): number {
    return this.#parts.length;
  }

  /** Whether there is room for what an asker wants besides what is sent anyway. The first one always finds room. */
  hasRoomFor({ request: { representations } }: Asker, maxEntities: number): boolean {
    const room = maxEntities - this.#positions.size;
    if (this.size === 0 || representations.length <= room) return true;
    return new Set(representations.filter((text) => !this.#positions.has(text))).size <= room;
  }

  add(asker: Asker): void {
    const positions = asker.request.representations.map((text) => {
      let position = this.#positions.get(text);
      if (position === undefined) this.#positions.set(text, (position = this.#positions.size));
      return position;
    });
    this.#parts.push({ asker, positions });
    this.#waiting += 1;
  }

  /** Nothing is added any more. Where there is one asker only, its request goes out as it came. */
  send(client: SubgraphClient): void {
    const [first] = this.#parts;
    if (!first) return;
    if (this.size === 1) return first.asker.sendAlone(client);
    for (const { asker } of this.#parts) asker.joint = this;
    client
      .fetch(this.#request(first.asker.request))
      .then((result) => this.#deliver(result))
      .catch((error: unknown) => {
        for (const { asker } of this.#parts) asker.fail(error);
      });
  }

  /** One asker wants its part no more. The last one takes the request along. */
  leave(reason: unknown): void {
    this.#waiting -= 1;
    if (this.#waiting === 0) this.#controller.abort(reason);
  }

  #request({ operation, variables, headers, span }: SubgraphFetch): SubgraphFetch {
    for (const { asker } of this.#parts.slice(1)) asker.request.span?.setAttribute('veza.fetch.shared', true);
    const representations = [...this.#positions.keys()];
    const { signal } = this.#controller;
    const endsAtMs = latestEnd(this.#parts.map(({ asker }) => asker.request));
    return { operation, variables, representations, headers, signal, endsAtMs, ...(span && { span }) };
  }

  #deliver(result: SubgraphAnswer): void {
    const waiting = this.#parts.filter(({ asker }) => !asker.hasLeft);
    const wanted = waiting.map(({ positions }) => positions);
    const answers = dividedAnswer(result, this.#positions.size, wanted);
    for (const [index, answer] of answers.entries()) waiting[index]?.asker.settle(answer);
  }
}

/** Undefined where one of them has no end. */
function latestEnd(requests: readonly SubgraphFetch[]): number | undefined {
  let latestMs = -Infinity;
  for (const { endsAtMs } of requests) {
    if (endsAtMs === undefined) return undefined;
    latestMs = Math.max(latestMs, endsAtMs);
  }
  return latestMs;
}
