import { Kind, visit, type DocumentNode } from 'graphql';
import type { EngineScope } from './engine.ts';
import { createOperationCache, type OperationCache, type OperationCacheOptions } from './operation-cache.ts';
import type { SupergraphState } from './supergraph-state.ts';

/** The labels that hold for a request, besides `percent(n)`, which the engine decides itself. */
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
}

export interface LabelledOptions {
  readonly cache?: OperationCacheOptions;
  readonly overrideLabels?: OverrideLabels;
  /** From 0 to 1, once per request: `percent(20)` holds below 0.2, so that whoever is among 20 % is among 50 %. */
  readonly random?: () => number;
}

export function createLabelledOperations(
  state: SupergraphState,
  options: LabelledOptions,
): LabelledOperations {
  const { cache, overrideLabels, random = Math.random } = options;
  const plain = createOperationCache(state, cache);
  if (state.overrideLabels.length === 0) return { plain, for: () => plain };
  const bySet = new Map<string, OperationCache>([['', plain]]);
  return {
    plain,
    for(scope) {
      const given = overrideLabels?.(scope);
      const percent = 100 * random();
      const active = state.overrideLabels.filter((label) => {
        const share = PERCENT.exec(label)?.[1];
        return share === undefined ? given?.has(label) === true : percent < Number(share);
      });
      return operationsOf(state, bySet, active, cache);
    },
  };
}

function operationsOf(
  state: SupergraphState,
  bySet: Map<string, OperationCache>,
  active: readonly string[],
  cache: OperationCacheOptions | undefined,
): OperationCache {
  const key = active.join('\n');
  const known = bySet.get(key);
  if (known) return known;
  const overrides = new Map(active.map((label) => [label, true]));
  const operations = createOperationCache({ ...state, overrides }, cache);
  if (bySet.size >= MAX_SETS) {
    const oldest = [...bySet.keys()].find((name) => name !== '');
    if (oldest !== undefined) bySet.delete(oldest);
  }
  bySet.set(key, operations);
  return operations;
}
