import type { SubgraphClient } from '../engine/client/subgraph-client.ts';
import type { AdmissionOptions } from './admission.ts';
import { Attempts } from './attempts.ts';
import { withBatching, type BatchingOptions } from './batching.ts';
import type { BreakerOptions } from './breaker.ts';
import { withDedup, type DedupOptions, type MutationCount } from './dedup.ts';
import { withErrorRules } from './error-rules.ts';
import { withHeaderRules, type HeaderRules } from './header-rules.ts';
import type { SubgraphMetrics } from './metrics.ts';
import type { RetryOptions } from './retries.ts';

/** How one subgraph is treated. */
export interface SubgraphSettings {
  readonly maxResponseBytes: number;
  /** Whether its answers may be handed on unread where they are a client's answer as they stand. */
  readonly passThrough: boolean;
  readonly timeouts: { readonly connectMs: number; readonly headersMs: number; readonly bodyMs: number };
  readonly retries: RetryOptions;
  readonly breaker: BreakerOptions & { readonly enabled: boolean };
  readonly concurrency: AdmissionOptions & { readonly maxPipelined: number };
  readonly dedup: DedupOptions & { readonly enabled: boolean };
  readonly batching: Pick<BatchingOptions, 'maxEntities' | 'windowMs'> & { readonly enabled: boolean };
  readonly errors: {
    readonly mask: boolean;
    /** Codes of errors that are shown whole though others are masked. */
    readonly allow: readonly string[];
    readonly hideService: boolean;
  };
  readonly headers: HeaderRules;
  readonly subscriptions: {
    /** A socket to it; polls of it; or entities that it announces. See engine/client/event-driven. */
    readonly upstream: 'socket' | 'polls' | 'topics';
    readonly pollMs: number;
    /** Polls at the same time. */
    readonly maxConcurrent: number;
    /** Field of Subscription → template of the topic on which its events are announced. */
    readonly topics: Readonly<Record<string, string>>;
  };
}

export interface SubgraphTraffic {
  readonly name: string;
  readonly settings: SubgraphSettings;
  /** Client headers that rules of any subgraph name. */
  readonly selectedHeaders: ReadonlySet<string>;
  readonly metrics: SubgraphMetrics;
  readonly mutations?: MutationCount;
}

/**
 * Puts everything around a client that stands between a plan and its subgraph. A fetch passes, in this order:
 *
 * 1. header rules, so that everything below sees what is really sent;
 * 2. error rules, which see what the plan gets;
 * 3. dedup, so that equal fetches share one try with all of its retries;
 * 4. batching, so that fetches of other entities share one try, too;
 * 5. attempts: breaker, concurrency limit, retries.
 */
export function withTraffic(client: SubgraphClient, traffic: SubgraphTraffic): SubgraphClient {
  const { name, settings, selectedHeaders, metrics, mutations } = traffic;
  const { retries, breaker, concurrency, dedup, batching, errors, headers } = settings;
  const attempts = new Attempts(client, {
    name,
    retries: { ...retries, onRetry: metrics.retried },
    breaker: breaker.enabled ? { ...breaker, onState: metrics.breakerTurned } : null,
    concurrency: { ...concurrency, onQueue: metrics.queued },
    onSent: metrics.fetched,
  });
  let outer: SubgraphClient = { ...client, fetch: (request) => attempts.fetch(request) };
  if (batching.enabled)
    outer = withBatching(outer, {
      ...batching,
      ignoreHeaders: dedup.ignoreHeaders,
      onBatched: metrics.batched,
    });
  if (dedup.enabled) outer = withDedup(outer, { ...dedup, mutations, onHit: metrics.deduplicated });
  return withHeaderRules(withErrorRules(outer, { ...errors, name, metrics }), headers, selectedHeaders);
}
