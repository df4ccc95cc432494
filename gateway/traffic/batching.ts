import { holdsUploads } from '../engine/client/multipart.ts';
import type { SubgraphAnswer, SubgraphClient, SubgraphFetch } from '../engine/client/subgraph-client.ts';
import { Asker, JointFetch, type EntityFetch } from './joint-fetch.ts';
import { requestKey } from './request-key.ts';

export interface BatchingOptions {
  /** Entities in one joint request. A fetch that wants more by itself is sent as it is. */
  readonly maxEntities: number;
  /** How long fetches are collected, from the first one on; 0: until everything that has arrived by now is handled. */
  readonly windowMs: number;
  /** Names, in lower case, of headers that identify a request without changing its answer. */
  readonly ignoreHeaders: readonly string[];
  /** Told how many fetches travelled in the request of another one. */
  readonly onBatched?: (fetches: number) => void;
}

/** Collects fetches that may go out together, by operation and then by all else that must be equal, and sends them when its window ends. */
class Collector {
  readonly #client: SubgraphClient;
  readonly #options: BatchingOptions;
  readonly #ignored: ReadonlySet<string>;
  #groups = new Map<string, Map<string, Asker[]>>();

  constructor(client: SubgraphClient, options: BatchingOptions) {
    this.#client = client;
    this.#options = options;
    this.#ignored = new Set(options.ignoreHeaders);
  }

  ask(request: EntityFetch): Promise<SubgraphAnswer> {
    const asker = new Asker(request);
    if (this.#groups.size === 0) this.#schedule();
    this.#groupOf(request).push(asker);
    return asker.answer;
  }

  #groupOf({ operation, headers, variables }: EntityFetch): Asker[] {
    let groups = this.#groups.get(operation.bodyPrefix);
    if (!groups) this.#groups.set(operation.bodyPrefix, (groups = new Map()));
    const key = requestKey(headers, this.#ignored, JSON.stringify(variables));
    let group = groups.get(key);
    if (!group) groups.set(key, (group = []));
    return group;
  }

  #schedule(): void {
    const { windowMs } = this.#options;
    const send = () => this.#sendAll();
    if (windowMs === 0) setImmediate(send);
    else setTimeout(send, windowMs);
  }

  #sendAll(): void {
    const groups = this.#groups;
    this.#groups = new Map();
    for (const byKey of groups.values()) for (const group of byKey.values()) this.#sendGroup(group);
  }

  #sendGroup(group: readonly Asker[]): void {
    const { maxEntities } = this.#options;
    const [first] = group;
    // The usual case, which must not pay for what nobody shares.
    if (first && group.length === 1 && !first.hasLeft) return first.sendAlone(this.#client);
    let joint = new JointFetch();
    for (const asker of group) {
      if (asker.hasLeft) continue;
      if (!joint.hasRoomFor(asker, maxEntities)) {
        this.#send(joint);
        joint = new JointFetch();
      }
      joint.add(asker);
    }
    this.#send(joint);
  }

  #send(joint: JointFetch): void {
    if (joint.size > 1) this.#options.onBatched?.(joint.size - 1);
    joint.send(this.#client);
  }
}

/**
 * Fetches of entities that are asked for at the same time, by whichever requests of clients, and that differ in nothing but their entities, are
 * sent as one, and each gets its own part of the answer. A failure is everybody's. Nobody joins a request that was sent already, so that
 * whoever has seen a mutation's answer sees what it changed.
 */
export function withBatching(client: SubgraphClient, options: BatchingOptions): SubgraphClient {
  const collector = new Collector(client, options);
  return {
    ...client,
    fetch(request) {
      if (!isJoinable(request)) return client.fetch(request);
      return request.signal.aborted ? Promise.reject(request.signal.reason) : collector.ask(request);
    },
  };
}

function isJoinable(request: SubgraphFetch): request is EntityFetch {
  const { operation, representations, variables } = request;
  return (
    representations !== null &&
    representations.length > 0 &&
    operation.kind === 'query' &&
    !holdsUploads(variables)
  );
}
