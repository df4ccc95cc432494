import type { FetchNode } from '@apollo/query-planner';

/** A fetch that was taken out of one that serves several cases. */
export interface PartOfFetch extends FetchNode {
  readonly servesSeveralCases?: boolean;
}

/**
 * Whether something that a fetch requires may be missing of objects that it is to fetch all the same. The planner joins fields with and without a
 * condition into one fetch and requires what any of them needs, also where the condition keeps it from being fetched; and so it does with fields of
 * an interface's objects, though each was selected of some types only.
 */
export const servesSeveralCases = (fetch: PartOfFetch): boolean =>
  fetch.servesSeveralCases === true ||
  /@(include|skip)\b/.test(fetch.operation) ||
  (fetch.inputRewrites ?? []).length > 1;
