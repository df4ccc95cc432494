import type { FormattedExecutionResult } from 'graphql';
import { holdsUploads } from '../engine/client/multipart.ts';
import { bodyText, type SubgraphClient, type SubgraphFetch } from '../engine/client/subgraph-client.ts';

export interface DedupOptions {
  /** Names, in lower case, of headers that identify a request without changing its answer, such as a correlation id. */
  readonly ignoreHeaders: readonly string[];
  /** A fetch was answered by one that was under way already. */
  readonly onHit?: () => void;
  /** Shared by the clients of a gateway. */
  readonly mutations?: MutationCount;
}

/** Counts mutations that have ended, at any subgraph: a mutation at one may change what another one answers. */
export interface MutationCount {
  ended: number;
}

/** A fetch that waits for the answer of an equal one. */
class Follower {
  readonly request: SubgraphFetch;
  readonly #leave: (follower: Follower) => void;
  readonly #outcome = Promise.withResolvers<FormattedExecutionResult>();

  constructor(request: SubgraphFetch, leave: (follower: Follower) => void) {
    this.request = request;
    this.#leave = leave;
    request.signal.addEventListener('abort', this);
  }

  get answer(): Promise<FormattedExecutionResult> {
    return this.#outcome.promise;
  }

  /** The signal's listener: this caller waits no more, whatever becomes of the others. */
  handleEvent(): void {
    this.#leave(this);
    this.#outcome.reject(this.request.signal.reason);
  }

  settle(outcome: FormattedExecutionResult | Promise<FormattedExecutionResult>): void {
    this.request.signal.removeEventListener('abort', this);
    this.#outcome.resolve(outcome);
  }
}

type Followers = Set<Follower>;

/**
 * Queries that are equal in everything the subgraph sees, and that are under way at the same time, are sent once. Nothing is kept beyond
 * that, and no query joins one that was sent before a mutation ended: whoever has seen its answer sees what it changed. What was sent ends
 * with whoever sent it, by its deadline too: those who followed and still wait then ask again. That is rare, and saves all others a signal of
 * their own for every fetch.
 */
export function withDedup(client: SubgraphClient, options: DedupOptions): SubgraphClient {
  const flights = new Map<string, Followers>();
  const ignored = new Set(options.ignoreHeaders);
  const { mutations = { ended: 0 }, onHit } = options;
  const start = (key: string, request: SubgraphFetch): Promise<FormattedExecutionResult> => {
    const followers: Followers = new Set();
    const land = () => void (flights.get(key) === followers && flights.delete(key));
    flights.set(key, followers);
    return client.fetch(request).then(
      (result) => {
        land();
        if (followers.size > 0) deliver(result, followers);
        return result;
      },
      (error: unknown) => {
        land();
        const again = request.signal.aborted ? ask : () => Promise.reject(error);
        for (const follower of followers) follower.settle(again(follower.request));
        throw error;
      },
    );
  };
  const ask = (request: SubgraphFetch): Promise<FormattedExecutionResult> => {
    const body = bodyText(request);
    const key = `${mutations.ended}\n${keyOf(request.headers, ignored, body)}`;
    const followers = flights.get(key);
    if (!followers) return start(key, { ...request, body });
    onHit?.();
    request.span?.setAttribute('veza.fetch.shared', true);
    const follower = new Follower(request, (one) => followers.delete(one));
    followers.add(follower);
    return follower.answer;
  };
  return {
    ...client,
    fetch(request) {
      const { operation, variables, signal } = request;
      if (operation.kind === 'mutation')
        return client.fetch(request).finally(() => void (mutations.ended += 1));
      if (operation.kind !== 'query' || holdsUploads(variables)) return client.fetch(request);
      return signal.aborted ? Promise.reject(signal.reason) : ask(request);
    },
  };
}

/** Each caller changes its result, so that each follower gets one of its own. */
function deliver(result: FormattedExecutionResult, followers: Followers): void {
  const text = JSON.stringify(result);
  for (const follower of followers) follower.settle(JSON.parse(text));
}

/** Header values hold no line feed: none can pass for another one or for the body. */
function keyOf(headers: SubgraphFetch['headers'], ignored: ReadonlySet<string>, body: string): string {
  let key = '';
  for (const name of Object.keys(headers)) if (!ignored.has(name)) key += `${name}:${headers[name]}\n`;
  return `${key}\n${body}`;
}
