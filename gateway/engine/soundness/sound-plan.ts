import { createHash } from 'node:crypto';
import type { PlanNode, SubscriptionNode } from '@apollo/query-planner';
import { print } from 'graphql';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { checkPlan } from './check-plan.ts';
import type { MendableSupergraph } from './divide-early.ts';
import type { OperationAst } from '../projection/selection.ts';
import { inCases } from './in-cases.ts';
import { inOwnSteps } from './in-own-steps.ts';
import { inPhases } from './in-phases.ts';
import { narrowPlan } from './narrow-plan.ts';
import type { NamedOperation } from './read-operation.ts';

/** Told of every operation that is refused for want of a sound plan, and why. `hash` is the SHA-256 of its text as graphql-js prints it, in hex. */
export type OnUnsoundPlan = (hash: string, problem: string) => void;

export interface PlannedSupergraph extends MendableSupergraph {
  readonly onUnsoundPlan?: OnUnsoundPlan;
}

type Plan = PlanNode | SubscriptionNode | undefined;

/** So many of an operation's conditions are decided one after the other, which doubles the plans each time. */
const MAX_DECIDED = 3;

/**
 * What `plan` makes of an operation, mended where that is certain to help. Throws `PLAN_UNSOUND`: better no answer than a wrong one.
 * `plan` is asked for parts of the operation as well.
 */
export function soundPlan(
  supergraph: PlannedSupergraph,
  { ast: whole, names }: NamedOperation,
  plan: (ast: OperationAst) => Plan,
): Plan {
  let problem: string | null = null;
  const planned = (ast: OperationAst, levels: number): Plan | null => {
    const operation = { ast, names };
    const check = (one: Plan) => checkPlan(one, supergraph, operation);
    const isSound = (one: Plan) => check(one) === null;
    let first: Plan;
    try {
      first = plan(ast);
    } catch (error) {
      problem ??= `the planner fails: ${messageOf(error)}`;
      return null;
    }
    const found = check(first);
    if (found === null || !first) return found === null ? first : null;
    problem ??= found;
    const reordered = inPhases(first);
    if (isSound(reordered)) return reordered;
    const root = supergraph.fullSchema.getRootType(ast.operation.operation)?.name ?? '';
    const mended = inOwnSteps(supergraph, root, first, isSound);
    if (mended) return mended;
    const cases = levels > 0 ? inCases(ast, (one) => planned(one, levels - 1)) : null;
    return cases && isSound(cases) ? cases : null;
  };
  const operation = { ast: whole, names };
  const sound = planned(whole, MAX_DECIDED);
  if (sound === null) return refuse(supergraph, operation, problem ?? 'there is no plan');
  const narrowed = sound && narrowPlan(supergraph, operation, sound);
  return narrowed === sound || checkPlan(narrowed, supergraph, operation) !== null ? sound : narrowed;
}

/** `problem` is for operators. */
function refuse({ onUnsoundPlan }: PlannedSupergraph, operation: NamedOperation, problem: string): never {
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
