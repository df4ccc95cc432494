import { Kind, visit, type DocumentNode } from 'graphql';
import type { EngineScope } from './engine.ts';
import {
  createOperationCache,
  sumOfSizes,
  type CacheSize,
  type OperationCache,
  type OperationCacheOptions,
} from './operation-cache.ts';
import type { SupergraphState } from './supergraph-state.ts';

/** Labels that hold for a request, besides those that hold for a share of requests. */
export type OverrideLabels = (scope: EngineScope) => ReadonlySet<string>;

/** Labels of every progressive `@override` of a supergraph. */
export function readOverrideLabels(supergraph: DocumentNode): string[] {
  const labels = new Set<string>();
  visit(supergraph, {
    Argument({ name, value }) {
      if (name.value === 'overrideLabel' && value.kind === Kind.STRING) labels.add(value.value);
    },
  });
  return [...labels].sort();
}

const PERCENT = /^percent\((\d+(?:\.\d+)?)\)$/;

/** So many sets of labels are kept planned; a request with another set pushes out the one that was added first. */
const MAX_SETS = 16;

/** Operations by the labels that hold, since each set of labels has plans of its own. */
export interface LabelledOperations {
  for(scope: EngineScope): OperationCache;
  /** With no label holding: good for all that does not depend on plans. */
  readonly plain: OperationCache;
  /** Of all of them. */
  size(): CacheSize;
}

export interface LabelledOptions {
  readonly cache?: OperationCacheOptions;
  readonly overrideLabels?: OverrideLabels;
  /** Label → percentage of requests that it holds for. `percent(20)` has its own where it is not listed here. */
  readonly overrideShares?: Readonly<Record<string, number>>;
  /** From 0 to 1, once per request: 20 % are those below 0.2, so that whoever is among 20 % is among 50 %. */
  readonly random?: () => number;
}

export function createLabelledOperations(
  state: SupergraphState,
  options: LabelledOptions,
): LabelledOperations {
  const { cache, overrideLabels, overrideShares = {}, random = Math.random } = options;
  const plain = createOperationCache(state, cache);
  if (state.overrideLabels.length === 0) return { plain, for: () => plain, size: plain.size };
  const bySet = new Map<string, OperationCache>([['', plain]]);
  const labels = state.overrideLabels.map((label) => ({ label, share: shareOf(label, overrideShares) }));
  return {
    plain,
    for(scope) {
      const given = overrideLabels?.(scope);
      const percent = 100 * random();
      const active = labels.filter(({ label, share }) => percent < share || given?.has(label));
      return operationsOf(state, bySet, active, cache);
    },
    size: () => sumOfSizes([...bySet.values()].map((operations) => operations.size())),
  };
}

function shareOf(label: string, shares: Readonly<Record<string, number>>): number {
  const share = Object.hasOwn(shares, label) ? shares[label] : undefined;
  return share ?? Number(PERCENT.exec(label)?.[1] ?? 0);
}

function operationsOf(
  state: SupergraphState,
  bySet: Map<string, OperationCache>,
  active: readonly { readonly label: string }[],
  cache: OperationCacheOptions | undefined,
): OperationCache {
  const key = active.map(({ label }) => label).join('\n');
  const known = bySet.get(key);
  if (known) return known;
  const overrides = new Map(active.map(({ label }) => [label, true]));
  const operations = createOperationCache({ ...state, overrides }, cache);
  if (bySet.size >= MAX_SETS) {
    const oldest = [...bySet.keys()].find((name) => name !== '');
    if (oldest !== undefined) bySet.delete(oldest);
  }
  bySet.set(key, operations);
  return operations;
}
