import type { PlanNode, SubscriptionNode } from '@apollo/query-planner';
import { ALWAYS } from './conditions.ts';
import { divideEarly, type MendableSupergraph, type Waiting } from './divide-early.ts';
import { inspectFetch } from './inspect-fetch.ts';
import { inSequence, sideBySide, stepsOf } from './in-phases.ts';
import { inspectNode } from './inspect-plan.ts';
import type { Inspection } from './inspection.ts';
import { addAll, type Known } from './known.ts';
import { positionsAt } from './positions.ts';

/**
 * The plan with fields that were asked for too early in steps of their own, each as soon as it can be. The planner loses the order of a chain: where `c`
 * requires `b`, and `b`, of the subgraph that the operation starts from, requires `a`, it asks for `b` at once. Null where that is not what is wrong.
 */
export function inOwnSteps(
  supergraph: MendableSupergraph,
  root: string,
  plan: PlanNode | SubscriptionNode,
): PlanNode | SubscriptionNode | null {
  const divided = divideEarly(supergraph, plan);
  if (!divided) return null;
  const { primary, rest } = divided;
  const known: Known = new Map();
  const sources = [{ known, under: ALWAYS }];
  const stand = { root, sources, path: [], under: ALWAYS };
  if (primary) addAll(known, inspectFetch({ ...stand, inspection: silent(supergraph) }, primary));
  const isReady = ({ node, path }: Waiting): boolean => {
    let isSure = true;
    const unsure = () => void (isSure = false);
    const inspection = { ...silent(supergraph), refuse: unsure, doubt: unsure };
    inspectNode({ ...stand, inspection }, node);
    return isSure && positionsAt(inspection, root, sources, path).at(-1)?.types.size !== 0;
  };
  const steps: PlanNode[] = [];
  let waiting = divided.waiting;
  const run = (step: PlanNode) => {
    addAll(known, inspectNode({ ...stand, inspection: silent(supergraph) }, step).known);
    steps.push(step);
  };
  const runReady = () => {
    for (let ready = waiting.filter(isReady); ready.length > 0; ready = waiting.filter(isReady)) {
      waiting = waiting.filter((one) => !ready.includes(one));
      run(sideBySide(ready.map(({ node }) => node)));
    }
  };
  runReady();
  for (const step of rest ? stepsOf(rest) : []) {
    run(step);
    runReady();
  }
  if (waiting.length > 0) return null;
  if (plan.kind !== 'Subscription') return inSequence(steps);
  return primary ? { ...plan, primary, rest: steps.length > 0 ? inSequence(steps) : undefined } : null;
}

const silent = ({ fullSchema: schema, types, rulesOf, overrides }: MendableSupergraph): Inspection => ({
  ...{ schema, types, rulesOf, overrides },
  refuse: () => undefined,
  doubt: () => undefined,
});
