import { messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { SubgraphClient } from './client/subgraph-client.ts';

/** The clients of one supergraph, kept as long as anybody uses them: the supergraph while it serves, executions and subscriptions on it. */
export interface ClientSet {
  /** Name of the subgraph → client. To be given back by one `release`. Throws where a client cannot be made; nothing is taken then. */
  use(): ReadonlyMap<string, SubgraphClient>;
  release(): void;
}

export interface ClientRegistry {
  /** `subgraphs`: name → URL. Sets share the clients that have both in common. Throws as `use` does; the caller is the first user. */
  setOf(subgraphs: ReadonlyMap<string, string>): ClientSet;
  /** Closes all clients, used or not. */
  close(): Promise<void>;
}

export interface ClientRegistryOptions {
  readonly clients: (name: string, url: string) => SubgraphClient;
  readonly log: Log;
}

interface Entry {
  readonly client: SubgraphClient;
  sets: number;
}

/** Makes clients when they are first used, and closes each once no set with it is used any more. */
export function createClientRegistry({ clients: create, log }: ClientRegistryOptions): ClientRegistry {
  const known = new Map<string, Entry>();
  const take = (name: string, url: string): SubgraphClient => {
    const key = `${name} ${url}`;
    let entry = known.get(key);
    if (!entry) known.set(key, (entry = { client: create(name, url), sets: 0 }));
    entry.sets += 1;
    return entry.client;
  };
  const giveBack = (name: string, url: string) => {
    const key = `${name} ${url}`;
    const entry = known.get(key);
    if (!entry) return;
    entry.sets -= 1;
    if (entry.sets > 0) return;
    known.delete(key);
    entry.client
      .close()
      .catch((error: unknown) => log.warn({ err: messageOf(error), subgraph: name }, 'client not closed'));
  };
  return {
    setOf(subgraphs) {
      const set = createClientSet(subgraphs, take, giveBack);
      set.use();
      return set;
    },
    async close() {
      const entries = [...known.values()];
      known.clear();
      await Promise.allSettled(entries.map(({ client }) => client.close()));
    },
  };
}

function createClientSet(
  subgraphs: ReadonlyMap<string, string>,
  take: (name: string, url: string) => SubgraphClient,
  giveBack: (name: string, url: string) => void,
): ClientSet {
  let clients: Map<string, SubgraphClient> | null = null;
  let users = 0;
  const takeAll = () => {
    const taken = new Map<string, SubgraphClient>();
    try {
      for (const [name, url] of subgraphs) taken.set(name, take(name, url));
    } catch (error) {
      for (const name of taken.keys()) giveBack(name, subgraphs.get(name) ?? '');
      throw error;
    }
    return taken;
  };
  return {
    use() {
      clients ??= takeAll();
      users += 1;
      return clients;
    },
    release() {
      users -= 1;
      if (users > 0) return;
      // A document that was validated before a swap may still come and use them again.
      clients = null;
      for (const [name, url] of subgraphs) giveBack(name, url);
    },
  };
}
