import { createHash } from 'node:crypto';
import type { PlanNode, SubscriptionNode } from '@apollo/query-planner';
import { print } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { checkPlan } from './check-plan.ts';
import type { MendableSupergraph } from './divide-early.ts';
import { inOwnSteps } from './in-own-steps.ts';
import { inPhases } from './in-phases.ts';
import type { NamedOperation } from './read-operation.ts';

/** Told of every operation that is refused for want of a sound plan, and why. `hash` is the SHA-256 of its text as graphql-js prints it, in hex. */
export type OnUnsoundPlan = (hash: string, problem: string) => void;

export interface PlannedSupergraph extends MendableSupergraph {
  readonly onUnsoundPlan?: OnUnsoundPlan;
}

type Plan = PlanNode | SubscriptionNode | undefined;

/** The plan, mended where that is certain to help. Throws `PLAN_UNSOUND`: better no answer than a wrong one. */
export function soundPlan(supergraph: PlannedSupergraph, operation: NamedOperation, plan: Plan): Plan {
  const problem = checkPlan(plan, supergraph, operation);
  if (problem === null) return plan;
  const root = supergraph.fullSchema.getRootType(operation.ast.operation.operation)?.name ?? '';
  for (const mend of plan ? [() => inPhases(plan), () => inOwnSteps(supergraph, root, plan)] : []) {
    const mended = mend();
    if (mended && checkPlan(mended, supergraph, operation) === null) return mended;
  }
  return refuse(supergraph, operation, problem);
}

/** `problem` is for operators. */
export function refuse(
  { onUnsoundPlan }: PlannedSupergraph,
  operation: NamedOperation,
  problem: string,
): never {
  onUnsoundPlan?.(hashOf(operation), problem);
  throw new CodedError('PLAN_UNSOUND', 'The operation cannot be planned so that its answer would be right.');
}

function hashOf({ ast }: NamedOperation): string {
  const hash = createHash('sha256');
  for (const definition of [ast.operation, ...ast.fragments.values()]) hash.update(print(definition));
  return hash.digest('hex');
}

/** What an engine remembers of operations that were refused, over all its supergraphs. */
export interface Refusals {
  readonly tell: OnUnsoundPlan;
  readonly count: () => number;
}

/** So many operations are known not to be told of again; they are forgotten together. */
const MAX_TOLD = 1_000;

/** Logs and counts each operation once. */
export function createRefusals(log: Log): Refusals {
  const told = new Set<string>();
  let count = 0;
  return {
    count: () => count,
    tell(operationHash, problem) {
      if (told.has(operationHash)) return;
      if (told.size >= MAX_TOLD) told.clear();
      told.add(operationHash);
      count += 1;
      log.error({ operationHash, problem }, 'no sound plan for an operation');
    },
  };
}
