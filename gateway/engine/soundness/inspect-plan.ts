import type { PlanNode } from '@apollo/query-planner';
import { inOrderOfContexts } from '../plan/context-order.ts';
import { publicName } from '../private-names.ts';
import { ALWAYS, both } from './conditions.ts';
import { inspectFetch, type Stand } from './inspect-fetch.ts';
import { addAll, type Known } from './known.ts';

export interface Fetched {
  readonly known: Known;
  /** What comes later than all that stands after the node. */
  readonly deferred: readonly Known[];
}

/** What a node fetches, from the root. */
export function inspectNode(stand: Stand, node: PlanNode): Fetched {
  switch (node.kind) {
    case 'Fetch':
      return { known: inspectFetch(stand, node), deferred: [] };
    case 'Flatten':
      return inspectNode({ ...stand, path: [...stand.path, ...node.path] }, node.node);
    case 'Sequence':
      return inSequence(
        stand,
        node.nodes.map((child) => [child]),
      );
    case 'Parallel':
      return inSequence(stand, inOrderOfContexts(node.nodes));
    case 'Condition': {
      const variable = publicName(node.condition);
      return together([
        ...inCase(stand, variable, node.ifClause),
        ...inCase(stand, `!${variable}`, node.elseClause),
      ]);
    }
    case 'Defer': {
      const primary = node.primary.node ? inspectNode(stand, node.primary.node) : together([]);
      const sources = [...stand.sources, { known: primary.known, under: ALWAYS }];
      const later = node.deferred.flatMap((part) =>
        part.node ? [inspectNode({ ...stand, sources }, part.node)] : [],
      );
      const deferred = later.flatMap((part) => [part.known, ...part.deferred]);
      return { known: primary.known, deferred: [...primary.deferred, ...deferred] };
    }
  }
}

function together(all: readonly Fetched[]): Fetched {
  const known: Known = new Map();
  for (const one of all) addAll(known, one.known);
  return { known, deferred: all.flatMap(({ deferred }) => deferred) };
}

function inCase(stand: Stand, literal: string, node: PlanNode | undefined): Fetched[] {
  const under = both(stand.under, [literal]);
  return node && under ? [inspectNode({ ...stand, under }, node)] : [];
}

/** Groups one after the other; nodes of one group know nothing of each other. */
function inSequence(stand: Stand, groups: readonly (readonly PlanNode[])[]): Fetched {
  const known: Known = new Map();
  const deferred: Known[] = [];
  const sources = [...stand.sources, { known, under: ALWAYS }];
  for (const group of groups) {
    const all = group.map((node) => inspectNode({ ...stand, sources }, node));
    for (const one of all) {
      addAll(known, one.known);
      deferred.push(...one.deferred);
    }
  }
  return { known, deferred };
}
