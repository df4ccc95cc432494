import type { SubgraphClient } from '../engine/client/subgraph-client.ts';
import type { AdmissionOptions } from './admission.ts';
import type { BreakerOptions } from './breaker.ts';
import { withBreaker } from './circuit.ts';
import { withConcurrency } from './concurrency.ts';
import { withDedup, type DedupOptions, type MutationCount } from './dedup.ts';
import { withMaskedErrors } from './error-mask.ts';
import { withHeaderRules, type HeaderRules } from './header-rules.ts';
import { withErrorCount, withLatency } from './measure.ts';
import type { SubgraphMetrics } from './metrics.ts';
import { withRetries, type RetryOptions } from './retries.ts';

/** How one subgraph is treated. */
export interface SubgraphSettings {
  readonly maxResponseBytes: number;
  readonly timeouts: { readonly connectMs: number; readonly headersMs: number; readonly bodyMs: number };
  readonly retries: RetryOptions;
  readonly breaker: BreakerOptions & { readonly enabled: boolean };
  readonly concurrency: AdmissionOptions;
  readonly dedup: DedupOptions & { readonly enabled: boolean };
  readonly errors: {
    readonly mask: boolean;
    /** Codes of errors that are shown whole though others are masked. */
    readonly allow: readonly string[];
    readonly hideService: boolean;
  };
  readonly headers: HeaderRules;
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
 * 2. error mask and error count, which see what the plan gets;
 * 3. dedup, so that equal fetches share one try with all of its retries;
 * 4. retries;
 * 5. breaker, which judges every attempt and stops retries as well;
 * 6. concurrency limit, which the breaker is not to blame on the subgraph, and which a fetch does not occupy between its attempts;
 * 7. latency, of what is really sent.
 */
export function withTraffic(client: SubgraphClient, traffic: SubgraphTraffic): SubgraphClient {
  const { name, settings, selectedHeaders, metrics, mutations } = traffic;
  const { retries, breaker, concurrency, dedup, errors, headers } = settings;
  let outer = withLatency(client, metrics);
  outer = withConcurrency(outer, name, { ...concurrency, onQueue: metrics.queued });
  if (breaker.enabled) outer = withBreaker(outer, name, { ...breaker, onState: metrics.breakerTurned });
  outer = withRetries(outer, { ...retries, onRetry: metrics.retried });
  if (dedup.enabled) outer = withDedup(outer, { ...dedup, mutations, onHit: metrics.deduplicated });
  outer = withErrorCount(outer, metrics);
  if (errors.mask) outer = withMaskedErrors(outer, name, errors.allow);
  return withHeaderRules(outer, headers, selectedHeaders);
}
