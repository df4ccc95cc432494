import type { SubgraphClient, SubgraphFetch } from '../engine/client/subgraph-client.ts';

/** All names are in lower case. */
export interface HeaderRules {
  /** Client headers that this subgraph gets. */
  readonly forward: readonly string[];
  /** Name from the client → name for the subgraph. */
  readonly rename: Readonly<Record<string, string>>;
  /** Constant headers. */
  readonly set: Readonly<Record<string, string>>;
  /** Headers that this subgraph does not get, even those that the gateway always sends. */
  readonly strip: readonly string[];
}

/** What one subgraph is sent beside its operation: strips first, then renames, then sets. `selected` are headers that rules of any
 * subgraph name: this one gets those of them that its own rules name, and everything else that reaches the engine. */
export function withHeaderRules(
  client: SubgraphClient,
  rules: HeaderRules,
  selected: ReadonlySet<string>,
): SubgraphClient {
  const forward = new Set(rules.forward);
  const dropped = new Set([
    ...[...selected].filter((name) => !forward.has(name)),
    ...rules.strip,
    ...Object.keys(rules.rename),
  ]);
  const renames = Object.entries(rules.rename);
  const constants = Object.entries(rules.set);
  if (dropped.size === 0 && constants.length === 0) return client;
  const apply = (request: SubgraphFetch): SubgraphFetch => {
    const headers: Record<string, string> = {};
    for (const [name, value] of Object.entries(request.headers))
      if (!dropped.has(name)) headers[name] = value;
    for (const [from, to] of renames) {
      const value = request.headers[from];
      if (value !== undefined) headers[to] = value;
    }
    for (const [name, value] of constants) headers[name] = value;
    return { ...request, headers };
  };
  return {
    ...client,
    fetch: (request) => client.fetch(apply(request)),
    subscribe: (request) => client.subscribe(apply(request)),
  };
}
