import type { FetchNode, QueryPlanSelectionNode } from '@apollo/query-planner';
import type { ResponsePath } from '../plan/execution.ts';
import { FRAGMENT_PREFIX, isFragment } from '../plan/type-sets.ts';
import { ALWAYS } from './conditions.ts';
import type { Inspection } from './inspection.ts';
import { addFact, type Known } from './known.ts';
import { placeAt, stepsOf } from './positions.ts';
import type { TypeNames } from './type-names.ts';

/** Adds what a fetch needs of the objects at `path`, and of those above. */
export function want(inspection: Inspection, wanted: Known, fetch: FetchNode, path: ResponsePath): void {
  const { known, types } = placeAt(inspection, wanted, path);
  if (fetch.requires) wantAll(inspection, known, types, fetch.requires);
  const steps = stepsOf(inspection, path);
  for (const { path: from } of fetch.contextRewrites ?? []) {
    const rest = from.filter((part) => part !== '..');
    const above = steps.slice(0, steps.length - (from.length - rest.length));
    const to = above.flatMap(({ parts }) => parts);
    wantContext(inspection, placeAt(inspection, wanted, to), rest);
  }
}

function wantContext(
  { types: sets }: Inspection,
  { known, types }: ReturnType<typeof placeAt>,
  path: readonly string[],
): void {
  for (const part of path) {
    if (isFragment(part)) types = sets.meet(types, sets.of(part.slice(FRAGMENT_PREFIX.length)));
    else {
      known = addFact(known, part, { ...NEEDED, types, inner: new Map() }) ?? known;
      types = null;
    }
  }
}

/** Whatever it is, and under whatever conditions. */
const NEEDED = { conditions: ALWAYS, what: null, returns: null };

function wantAll(
  inspection: Inspection,
  known: Known,
  types: TypeNames,
  selections: readonly QueryPlanSelectionNode[],
): void {
  for (const node of selections) {
    if (node.kind === 'InlineFragment') {
      const on = node.typeCondition;
      const met = on === undefined ? types : inspection.types.meet(types, inspection.types.of(on));
      wantAll(inspection, known, met, node.selections);
      continue;
    }
    const inner: Known | null = node.selections ? new Map() : null;
    const below = addFact(known, node.alias ?? node.name, { ...NEEDED, types, inner });
    if (below && node.selections) wantAll(inspection, below, null, node.selections);
  }
}
