import type { FetchNode, PlanNode } from '@apollo/query-planner';

/** All fetches of a plan, whether they come at once, later or under a condition. */
export function fetchesOf(node: PlanNode | undefined): FetchNode[] {
  switch (node?.kind) {
    case undefined:
      return [];
    case 'Fetch':
      return [node];
    case 'Flatten':
      return fetchesOf(node.node);
    case 'Parallel':
    case 'Sequence':
      return node.nodes.flatMap(fetchesOf);
    case 'Condition':
      return [node.ifClause, node.elseClause].flatMap(fetchesOf);
    case 'Defer':
      return [node.primary, ...node.deferred].flatMap((part) => fetchesOf(part.node));
  }
}
