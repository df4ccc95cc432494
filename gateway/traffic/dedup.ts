import { holdsUploads } from '../engine/client/multipart.ts';
import {
  bodyRest,
  type SubgraphAnswer,
  type SubgraphClient,
  type SubgraphFetch,
} from '../engine/client/subgraph-client.ts';
import { requestKey } from './request-key.ts';

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
  readonly #outcome = Promise.withResolvers<SubgraphAnswer>();

  constructor(request: SubgraphFetch, leave: (follower: Follower) => void) {
    this.request = request;
    this.#leave = leave;
    request.signal.addEventListener('abort', this);
  }

  get answer(): Promise<SubgraphAnswer> {
    return this.#outcome.promise;
  }

  /** The signal's listener: this caller waits no more, whatever becomes of the others. */
  handleEvent(): void {
    this.#leave(this);
    this.#outcome.reject(this.request.signal.reason);
  }

  settle(outcome: SubgraphAnswer | Promise<SubgraphAnswer>): void {
    this.request.signal.removeEventListener('abort', this);
    this.#outcome.resolve(outcome);
  }
}

/** A fetch under way, with those who wait for it besides the one who sent it. */
interface Flight {
  followers: Set<Follower> | null;
}

/** Fetches under way by operation, which is long and looked up by its identity as a rule, and then by all that differs between its requests. */
class Flights {
  readonly #byOperation = new Map<string, Map<string, Flight>>();

  find(operation: string, key: string): Flight | undefined {
    return this.#byOperation.get(operation)?.get(key);
  }

  add(operation: string, key: string): Flight {
    let flights = this.#byOperation.get(operation);
    if (!flights) this.#byOperation.set(operation, (flights = new Map()));
    const flight: Flight = { followers: null };
    flights.set(key, flight);
    return flight;
  }

  remove(operation: string, key: string, flight: Flight): void {
    const flights = this.#byOperation.get(operation);
    if (flights?.get(key) !== flight) return;
    flights.delete(key);
    if (flights.size === 0) this.#byOperation.delete(operation);
  }
}

/**
 * Queries that are equal in everything the subgraph sees, and that are under way at the same time, are sent once. Nothing is kept beyond
 * that, and no query joins one that was sent before a mutation ended: whoever has seen its answer sees what it changed. What was sent ends
 * with whoever sent it, by its deadline too: those who followed and still wait then ask again. That is rare, and saves all others a signal of
 * their own for every fetch.
 */
export function withDedup(client: SubgraphClient, options: DedupOptions): SubgraphClient {
  const flights = new Flights();
  const ignored = new Set(options.ignoreHeaders);
  const { mutations = { ended: 0 }, onHit } = options;
  const start = (key: string, request: SubgraphFetch): Promise<SubgraphAnswer> => {
    const { bodyPrefix } = request.operation;
    const flight = flights.add(bodyPrefix, key);
    return client.fetch(request).then(
      (result) => {
        flights.remove(bodyPrefix, key, flight);
        if (flight.followers) deliver(result, flight.followers);
        return result;
      },
      (error: unknown) => {
        flights.remove(bodyPrefix, key, flight);
        const again = request.signal.aborted ? ask : () => Promise.reject(error);
        for (const follower of flight.followers ?? []) follower.settle(again(follower.request));
        throw error;
      },
    );
  };
  const ask = (request: SubgraphFetch): Promise<SubgraphAnswer> => {
    const rest = bodyRest(request);
    const key = `${mutations.ended}${request.asText ? 't' : ''}\n${requestKey(request.headers, ignored, rest)}`;
    const flight = flights.find(request.operation.bodyPrefix, key);
    if (!flight) return start(key, { ...request, bodyRest: rest });
    onHit?.();
    request.span?.setAttribute('veza.fetch.shared', true);
    const followers = (flight.followers ??= new Set());
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

/** Each caller changes what it can read, so that each follower gets a result of its own. */
function deliver(result: SubgraphAnswer, followers: ReadonlySet<Follower>): void {
  const json = result.text === undefined ? JSON.stringify(result) : undefined;
  for (const follower of followers) follower.settle(json === undefined ? result : JSON.parse(json));
}
