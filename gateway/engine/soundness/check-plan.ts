import type { PlanNode, SubscriptionNode } from '@apollo/query-planner';
import { ALWAYS } from './conditions.ts';
import { findMissing, type Missing } from './coverage.ts';
import type { CheckedSupergraph, Inspection } from './inspection.ts';
import { inspectFetch } from './inspect-fetch.ts';
import { inspectNode, type Fetched } from './inspect-plan.ts';
import { addAll } from './known.ts';
import { readOperation, type NamedOperation } from './read-operation.ts';
import { runTwice } from './run-once.ts';

/**
 * What is wrong with a plan, as a sentence for operators; null where it is proven that its fetches ask each subgraph only for what that one
 * resolves, with the keys and inputs that it needs, bring all that the operation asks for, and run no mutation twice.
 */
export function checkPlan(
  plan: PlanNode | SubscriptionNode | undefined,
  { fullSchema: schema, types, rulesOf, overrides }: CheckedSupergraph,
  operation: NamedOperation,
): string | null {
  const problems: string[] = [];
  const doubts: string[] = [];
  const inspection: Inspection = {
    ...{ schema, types, rulesOf, overrides },
    refuse: (problem) => void problems.push(problem),
    doubt: (reason) => void doubts.push(reason),
  };
  const kind = operation.ast.operation.operation;
  const root = schema.getRootType(kind)?.name ?? '';
  const repeated = kind === 'mutation' && plan && plan.kind !== 'Subscription' ? runTwice(plan) : null;
  if (repeated) return repeated;
  const { known, deferred } = plan ? inspect(inspection, root, plan) : { known: new Map(), deferred: [] };
  const [problem] = problems;
  if (problem !== undefined) return problem;
  const ask = (withDeferred: boolean) =>
    findMissing({
      needed: readOperation(inspection, operation, withDeferred),
      ...{ types: new Set([root]), sources: [{ known, under: ALWAYS }], under: ALWAYS, path: [] },
    });
  const first = deferred.length > 0 ? ask(false) : null;
  for (const later of deferred) addAll(known, later);
  const missing = first ?? ask(true);
  return missing && textOf(missing, doubts);
}

/** What a plan fetches. `root`: name of the operation's root type. */
export function inspect(inspection: Inspection, root: string, plan: PlanNode | SubscriptionNode): Fetched {
  const stand = { inspection, root, sources: [], path: [], under: ALWAYS };
  if (plan.kind !== 'Subscription') return inspectNode(stand, plan);
  const known = inspectFetch(stand, plan.primary);
  if (!plan.rest) return { known, deferred: [] };
  const rest = inspectNode({ ...stand, sources: [{ known, under: ALWAYS }] }, plan.rest);
  addAll(known, rest.known);
  return { known, deferred: rest.deferred };
}

function textOf({ path, type, what, instead }: Missing, doubts: readonly string[]): string {
  const place = `${type}.${what} at ${path.join('.')}`;
  if (instead !== null) return `${place} would be answered by ${instead}`;
  const [field] = what.split('(');
  const reason = doubts.find((one) => one.includes(`${type}.${field}`)) ?? doubts[0];
  return `${place} is not fetched${reason === undefined ? '' : `: ${reason}`}`;
}
