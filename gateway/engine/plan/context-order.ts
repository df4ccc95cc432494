import type { PlanNode } from '@apollo/query-planner';

/**
 * Nodes of a plan that may run at the same time, in groups that run one after the other. The planner lets a fetch with arguments from a context run
 * beside the one that brings the context, where that is a fetch of its own: what reads a context waits for what does not.
 */
export function inOrderOfContexts(nodes: readonly PlanNode[]): readonly (readonly PlanNode[])[] {
  const reading = nodes.filter(readsContext);
  const others = nodes.filter((node) => !readsContext(node));
  return [others, reading].filter((group) => group.length > 0);
}

function readsContext(node: PlanNode): boolean {
  switch (node.kind) {
    case 'Fetch':
      return (node.contextRewrites ?? []).length > 0;
    case 'Flatten':
      return readsContext(node.node);
    case 'Sequence':
    case 'Parallel':
      return node.nodes.some(readsContext);
    case 'Condition':
      return [node.ifClause, node.elseClause].some((clause) => clause !== undefined && readsContext(clause));
    case 'Defer':
      return node.primary.node !== undefined && readsContext(node.primary.node);
  }
}
