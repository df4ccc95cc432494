import type { PlanNode, SubscriptionNode } from '@apollo/query-planner';

/**
 * The same fetches in the same order, but of branches that run side by side every first step before any second one. The planner may let one branch
 * read a context that another one fetches. Slower than the plan was: only for one that is not sound as it is.
 */
export function inPhases(plan: PlanNode | SubscriptionNode): PlanNode | SubscriptionNode {
  if (plan.kind === 'Subscription') return { ...plan, rest: plan.rest && inSequence(stepsOf(plan.rest)) };
  return inSequence(stepsOf(plan));
}

export function inSequence(steps: PlanNode[]): PlanNode {
  const [only] = steps;
  return steps.length === 1 && only ? only : { kind: 'Sequence', nodes: steps };
}

export function sideBySide(nodes: PlanNode[]): PlanNode {
  const [only] = nodes;
  return nodes.length === 1 && only ? only : { kind: 'Parallel', nodes };
}

/** What can run one after the other, each a fetch or several side by side. */
export function stepsOf(node: PlanNode): PlanNode[] {
  switch (node.kind) {
    case 'Fetch':
    case 'Flatten':
      return [node];
    case 'Sequence':
      return node.nodes.flatMap(stepsOf);
    case 'Parallel':
      return together(node.nodes.map(stepsOf));
    case 'Condition': {
      const { condition, ifClause, elseClause } = node;
      const when = (ifClause ? stepsOf(ifClause) : []).map((step): PlanNode => ({
        kind: 'Condition',
        condition,
        ifClause: step,
      }));
      const otherwise = (elseClause ? stepsOf(elseClause) : []).map((step): PlanNode => ({
        kind: 'Condition',
        condition,
        elseClause: step,
      }));
      return together([when, otherwise]);
    }
    case 'Defer':
      // Its parts wait for fetches by their ids, which are within it.
      return [node];
  }
}

function together(branches: readonly (readonly PlanNode[])[]): PlanNode[] {
  const length = Math.max(0, ...branches.map((steps) => steps.length));
  return Array.from({ length }, (_, index) => sideBySide(branches.flatMap((steps) => steps[index] ?? [])));
}
