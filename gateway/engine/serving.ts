import type { Log } from '#platform/log.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import type { ClientRegistry, ClientSet } from './client-registry.ts';
import { guarded } from './look-up.ts';
import {
  createLabelledOperations,
  type LabelledOperations,
  type LabelledOptions,
} from './override-labels.ts';
import type { Refusals } from './soundness/sound-plan.ts';
import { createSupergraphState, type SupergraphState } from './supergraph-state.ts';

/** What serves: replaced as a whole by a swap. */
export interface Serving {
  readonly state: SupergraphState;
  readonly operations: LabelledOperations;
  readonly clients: ClientSet;
  readonly tracing: Tracing | null;
  readonly log: Log;
  /** Counted on over swaps: see Engine. */
  readonly mutations: { ended: number };
}

export interface ServingOptions extends LabelledOptions, Pick<Serving, 'log' | 'mutations' | 'tracing'> {
  readonly registry: ClientRegistry;
  readonly refusals: Refusals;
}

/** Makes ready what a supergraph needs, and takes over from what served before. Throws a CodedError for a bad SDL; nothing is taken over then. */
export function serve(options: ServingOptions, sdl: string, before?: Serving): Serving {
  const { registry, refusals, tracing, log, mutations } = options;
  const state = { ...createSupergraphState(sdl), onUnsoundPlan: refusals.tell };
  const operations = createLabelledOperations(state, options);
  const clients = registry.setOf(state.subgraphs);
  if (before) warmUp(operations, before);
  before?.clients.release();
  return { state, operations, clients, tracing, log, mutations };
}

/** The swap waits for planning no longer than this; requests are held up meanwhile. */
const MAX_WARM_UP_MS = 200;

/** Of an operation that is not the same for all callers; one of many must not keep out all others. */
const MAX_VARIANTS = 4;

/** Plans what was asked for last before the new supergraph serves, latest first, as whoever asked for it may see it now. */
function warmUp({ plain }: LabelledOperations, before: Serving): void {
  const endMs = performance.now() + MAX_WARM_UP_MS;
  const planned = new Map<string, number>();
  for (const { query, operationName, grants } of before.operations.plain.recent()) {
    if (performance.now() > endMs) break;
    const key = `${operationName ?? ''}\n${query}`;
    const variants = planned.get(key) ?? 0;
    if (variants === MAX_VARIANTS) continue;
    planned.set(key, variants + 1);
    guarded(() => plain.get(query, operationName, grants));
  }
  plain.reverse();
}
