import { Counter, Gauge } from 'prom-client';
import type { Metrics } from '#platform/metrics.ts';
import { createTimings } from '#platform/timings.ts';
import { knownCode } from '../metrics.ts';
import type { BreakerState } from './breaker.ts';

/** The figures of one subgraph. */
export interface SubgraphMetrics {
  /** One request was sent, be it a retry, and came to its end. */
  fetched(durationMs: number): void;
  /** One error reached a plan, with its code. */
  failed(code: unknown): void;
  retried(): void;
  deduplicated(): void;
  /** So many fetches travelled in the request of another one. */
  batched(fetches: number): void;
  queued(length: number): void;
  breakerTurned(state: BreakerState): void;
  /** An event came that its subscription had no room for, and the subscription ended. */
  dropped(): void;
  /** A live message that was to announce an event was none. */
  malformed(): void;
}

export interface TrafficMetrics {
  of(subgraph: string): SubgraphMetrics;
  /** A client's request was refused, for one of few reasons. */
  shed(reason: string): void;
  /** Requests of clients that wait for their turn. */
  waiting(length: number): void;
  reloaded(outcome: 'ok' | 'refused' | 'unreachable'): void;
}

const LATENCY_BUCKETS_S = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30];
const BREAKER_FIGURES: Readonly<Record<BreakerState, number>> = { closed: 0, 'half-open': 1, open: 2 };

/** Registers what is known of the traffic. Subgraph names come from the supergraph, so that labels are few. */
export function createTrafficMetrics(registry: Metrics | null): TrafficMetrics {
  return registry ? registered(registry) : UNCOUNTED;
}

const nothing = () => undefined;
const UNCOUNTED: TrafficMetrics = {
  of: () => ({
    fetched: nothing,
    failed: nothing,
    retried: nothing,
    deduplicated: nothing,
    batched: nothing,
    queued: nothing,
    breakerTurned: nothing,
    dropped: nothing,
    malformed: nothing,
  }),
  shed: nothing,
  waiting: nothing,
  reloaded: nothing,
};

function registered(registry: Metrics): TrafficMetrics {
  const registers = [registry];
  const counter = <L extends string>(name: string, help: string, labelNames: readonly L[]) =>
    new Counter({ name, help, labelNames, registers });
  const shed = counter('gateway_shed_requests_total', 'Client requests refused with 503, by reason.', [
    'reason',
  ]);
  const reloads = counter('gateway_supergraph_reloads_total', 'Supergraphs offered while running.', [
    'outcome',
  ]);
  const waiting = new Gauge({
    name: 'gateway_waiting_requests',
    help: 'Client requests that wait for their turn.',
    registers,
  });
  // So that an alert on their rate sees the first one, too.
  for (const outcome of ['ok', 'refused', 'unreachable']) reloads.inc({ outcome }, 0);
  return {
    of: createSubgraphFigures(registry, counter),
    shed: (reason) => shed.inc({ reason }),
    waiting: (length) => waiting.set(length),
    reloaded: (outcome) => reloads.inc({ outcome }),
  };
}

const labelNames = ['subgraph'] as const;

type MakeCounter = <L extends string>(name: string, help: string, labelNames: readonly L[]) => Counter<L>;

function createSubgraphFigures(registry: Metrics, counter: MakeCounter) {
  const registers = [registry];
  const latency = createTimings(registry, {
    name: 'gateway_subgraph_fetch_duration_seconds',
    help: 'Time from a request to a subgraph until its whole answer, each attempt by itself.',
    bucketsS: LATENCY_BUCKETS_S,
    labelNames,
  });
  const gauge = (name: string, help: string) => new Gauge({ name, help, labelNames, registers });
  const errors = counter('gateway_subgraph_errors_total', 'Errors of subgraphs, by code.', [
    'subgraph',
    'code',
  ]);
  const { retries, hits, dropped, malformed, batched } = createSubgraphCounters(counter);
  const queue = gauge('gateway_subgraph_queue_length', 'Fetches that wait for the concurrency limit.');
  const breaker = new Gauge({
    name: 'gateway_subgraph_breaker_state',
    help: '0 closed, 1 half-open, 2 open.',
    labelNames,
    registers,
    // Of several workers the worst.
    aggregator: 'max',
  });
  return (subgraph: string): SubgraphMetrics => {
    const labels = { subgraph };
    const [ownLatency, ownHits] = [latency(labels), hits.labels(labels)];
    retries.inc(labels, 0);
    breaker.set(labels, BREAKER_FIGURES.closed);
    queue.set(labels, 0);
    dropped.inc(labels, 0);
    malformed.inc(labels, 0);
    batched.inc(labels, 0);
    return {
      fetched: (durationMs) => ownLatency.took(durationMs),
      failed: (code) => errors.inc({ subgraph, code: knownCode(code) }),
      retried: () => retries.inc(labels),
      deduplicated: () => ownHits.inc(),
      batched: (fetches) => batched.inc(labels, fetches),
      queued: (length) => queue.set(labels, length),
      dropped: () => dropped.inc(labels),
      malformed: () => malformed.inc(labels),
      breakerTurned: (state) => breaker.set(labels, BREAKER_FIGURES[state]),
    };
  };
}

function createSubgraphCounters(counter: MakeCounter) {
  const total = (name: string, help: string) => counter(name, help, labelNames);
  return {
    retries: total('gateway_subgraph_retries_total', 'Requests to subgraphs sent again.'),
    hits: total('gateway_subgraph_dedup_hits_total', 'Fetches answered by an equal one that was under way.'),
    dropped: total(
      'gateway_subgraph_events_dropped_total',
      'Events thrown away, with their subscription, because they came faster than they were read.',
    ),
    malformed: total(
      'gateway_subgraph_malformed_messages_total',
      'Live messages that were to announce an event and were dropped, because they were malformed or of another type.',
    ),
    batched: total(
      'gateway_subgraph_batched_total',
      'Fetches of entities that travelled in the request of another one.',
    ),
  };
}
