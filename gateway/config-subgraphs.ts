import type { GatewayConfig, GivenSubgraph } from './config-schema.ts';
import { IDENTIFYING_HEADERS } from './traffic/identifying-headers.ts';
import type { SubgraphSettings } from './traffic/subgraph-traffic.ts';

/** What a subgraph gets where the file says nothing; docs/gateway.md lists the same, and a test compares. */
export const SUBGRAPH_DEFAULTS = {
  maxResponseBytes: 32 * 1024 * 1024,
  passThrough: true,
  timeouts: { connectMs: 5_000, headersMs: 30_000, bodyMs: 30_000 },
  retries: { attempts: 3, baseDelayMs: 25, maxDelayMs: 1_000, budgetRatio: 0.2, budgetMax: 10 },
  breaker: {
    enabled: true,
    windowMs: 10_000,
    failureRatio: 0.5,
    minimumRequests: 20,
    openMs: 5_000,
    halfOpenProbes: 3,
  },
  concurrency: { maxConcurrent: 256, maxQueued: 1_024, maxWaitMs: 5_000, maxPipelined: 1 },
  dedup: { enabled: true, ignoreHeaders: IDENTIFYING_HEADERS },
  batching: { enabled: false, maxEntities: 500, windowMs: 0 },
  errors: { allow: [], hideService: false },
  headers: { forward: [], rename: {}, set: {}, strip: [] },
  subscriptions: { upstream: 'socket', pollMs: 5_000, maxConcurrent: 64, topics: {} },
} as const;

/** The settings of one subgraph: its own go before those of `all`, setting by setting, and these before the defaults. */
export function subgraphSettings(
  { subgraphs }: GatewayConfig,
  name: string,
  isProduction: boolean,
): SubgraphSettings {
  const { all } = subgraphs;
  const own: GivenSubgraph = name === 'all' ? {} : (subgraphs[name] ?? {});
  const defaults = SUBGRAPH_DEFAULTS;
  return {
    maxResponseBytes: own.maxResponseBytes ?? all.maxResponseBytes ?? defaults.maxResponseBytes,
    passThrough: own.passThrough ?? all.passThrough ?? defaults.passThrough,
    timeouts: { ...defaults.timeouts, ...all.timeouts, ...own.timeouts },
    retries: { ...defaults.retries, ...all.retries, ...own.retries },
    breaker: { ...defaults.breaker, ...all.breaker, ...own.breaker },
    concurrency: { ...defaults.concurrency, ...all.concurrency, ...own.concurrency },
    dedup: { ...defaults.dedup, ...all.dedup, ...own.dedup },
    batching: { ...defaults.batching, ...all.batching, ...own.batching },
    errors: { mask: isProduction, ...defaults.errors, ...all.errors, ...own.errors },
    headers: { ...defaults.headers, ...all.headers, ...own.headers },
    subscriptions: { ...defaults.subscriptions, ...all.subscriptions, ...own.subscriptions },
  };
}

/**
 * Client headers that rules of any subgraph or the gateway itself need, besides those that `toAll` get: the gateway has to take them in, and
 * each subgraph gets its own of them.
 */
export function selectedHeaders(
  { subgraphs, overrideLabels: { header } }: GatewayConfig,
  toAll: readonly string[],
): ReadonlySet<string> {
  const rules = Object.values(subgraphs).flatMap(({ headers }) => (headers ? [headers] : []));
  const named = rules.flatMap(({ forward = [], rename = {} }) => [...forward, ...Object.keys(rename)]);
  const needed = header === undefined ? named : [...named, header];
  return new Set(needed.filter((name) => !toAll.includes(name)));
}

/** Headers that change the answer of no subgraph: requests of clients that differ in these only may share one run. */
export function ignoredByAll(config: GatewayConfig): readonly string[] {
  const [first = [], ...others] = ['all', ...Object.keys(config.subgraphs)].map(
    (name) => subgraphSettings(config, name, false).dedup.ignoreHeaders,
  );
  return first.filter((header) => others.every((headers) => headers.includes(header)));
}

/** Whether errors keep the name of a subgraph to themselves; undefined where they do so for none. */
export function hiddenServices(config: GatewayConfig): ((name: string) => boolean) | undefined {
  const isAny = Object.values(config.subgraphs).some(({ errors }) => errors?.hideService);
  return isAny ? (name) => subgraphSettings(config, name, false).errors.hideService : undefined;
}
