import { operationFromDocument } from '@apollo/federation-internals';
import type { FetchNode, PlanNode, SubscriptionNode } from '@apollo/query-planner';
import { getOperationAST, Kind, parse, type DocumentNode } from 'graphql';
import { createPrivateNames, withPrivateNames } from '../../../gateway/engine/private-names.ts';
import { restorePlan } from '../../../gateway/engine/required/restore-plan.ts';
import { checkPlan } from '../../../gateway/engine/soundness/check-plan.ts';
import { narrowPlan } from '../../../gateway/engine/soundness/narrow-plan.ts';
import { fragmentsOf } from '../../../gateway/engine/subscription-rules.ts';
import type { SupergraphState } from '../../../gateway/engine/supergraph-state.ts';

export type Plan = PlanNode | SubscriptionNode | undefined;

/** An operation with the plan that the engine makes for it, before anybody has checked it. */
export interface Planned {
  readonly plan: Plan;
  /** What is wrong with a plan for the operation. */
  check(plan: Plan): string | null;
  /** Asks objects for no more than they are wanted for. */
  narrow(plan: Plan): Plan;
}

export function planOf(state: SupergraphState, text: string): Planned {
  const document: DocumentNode = parse(text);
  const operation = getOperationAST(document);
  if (!operation) throw new Error(`no operation: ${text}`);
  const names = createPrivateNames(state.fieldNames, document);
  const ast = { operation, fragments: fragmentsOf(document) };
  const planned = withPrivateNames(ast, names, /@(skip|include|defer)/.test(text));
  const definitions = [planned.operation, ...planned.fragments.values()];
  const { node } = state.planner.buildQueryPlan(
    operationFromDocument(state.plannerSchema, { kind: Kind.DOCUMENT, definitions }, { validate: false }),
    { overrideConditions: state.overrides },
  );
  return {
    plan: node && restorePlan(state.fullSchema, state.required, node),
    check: (plan) => checkPlan(plan, state, { ast, names }),
    narrow: (plan) => plan && narrowPlan(state, { ast, names }, plan),
  };
}

/** The plan with every node put in place of which `change` gives another one; from the leaves up. */
export function changed(plan: Plan, change: (node: PlanNode) => PlanNode): PlanNode {
  if (!plan || plan.kind === 'Subscription') throw new Error('no plan of nodes');
  const inner = (node: PlanNode) => changed(node, change);
  switch (plan.kind) {
    case 'Fetch':
      return change(plan);
    case 'Flatten':
      return change({ ...plan, node: inner(plan.node) });
    case 'Parallel':
    case 'Sequence':
      return change({ ...plan, nodes: plan.nodes.map(inner) });
    case 'Condition': {
      const { ifClause, elseClause } = plan;
      return change({
        ...plan,
        ifClause: ifClause && inner(ifClause),
        elseClause: elseClause && inner(elseClause),
      });
    }
    case 'Defer': {
      const { primary, deferred } = plan;
      return change({
        ...plan,
        primary: { ...primary, node: primary.node && inner(primary.node) },
        deferred: deferred.map((part) => ({ ...part, node: part.node && inner(part.node) })),
      });
    }
  }
}

/** The plan with other fetches from one subgraph. */
export const withFetches = (
  plan: Plan,
  service: string,
  change: (fetch: FetchNode) => Partial<FetchNode>,
): PlanNode =>
  changed(plan, (node) =>
    node.kind === 'Fetch' && node.serviceName === service ? { ...node, ...change(node) } : node,
  );
