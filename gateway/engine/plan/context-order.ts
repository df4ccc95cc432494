import type { PlanNode } from '@apollo/query-planner';

/**
 * Nodes of a plan that may run at the same time, in groups that run one after the other. The planner lets a fetch with arguments from a context run
 * beside the one that brings the context, where that is a fetch of its own: what reads a context later on waits for what reads none, and what
 * reads one at once waits for both.
 */
export function inOrderOfContexts(nodes: readonly PlanNode[]): readonly (readonly PlanNode[])[] {
  const groups: Record<Reads, PlanNode[]> = { never: [], later: [], atOnce: [] };
  for (const node of nodes) groups[readsContext(node)].push(node);
  return Object.values(groups).filter((group) => group.length > 0);
}

/** Whether what a node does first reads a context, or what it does after that. */
type Reads = 'never' | 'later' | 'atOnce';

export function readsContext(node: PlanNode): Reads {
  switch (node.kind) {
    case 'Fetch':
      return node.contextRewrites?.length ? 'atOnce' : 'never';
    case 'Flatten':
      return readsContext(node.node);
    case 'Sequence': {
      const [first = 'never', ...others] = node.nodes.map(readsContext);
      return first === 'never' && others.some((reads) => reads !== 'never') ? 'later' : first;
    }
    case 'Parallel':
      return earliest(node.nodes);
    case 'Condition':
      return earliest([node.ifClause, node.elseClause]);
    case 'Defer':
      return earliest([node.primary.node]);
  }
}

function earliest(nodes: readonly (PlanNode | undefined)[]): Reads {
  const found = new Set(nodes.flatMap((node) => (node ? [readsContext(node)] : [])));
  return found.has('atOnce') ? 'atOnce' : found.has('later') ? 'later' : 'never';
}
