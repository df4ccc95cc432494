import type { FormattedExecutionResult, GraphQLError } from 'graphql';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import type { ClientSet } from '../client-registry.ts';
import type { EngineScope } from '../engine.ts';
import { executing, notHere } from '../execute.ts';
import { lookUp } from '../look-up.ts';
import type { CompiledOperation } from '../operation.ts';
import type { CompiledSubscription } from '../plan/compile-plan.ts';
import type { Execution, JsonObject } from '../plan/execution.ts';
import type { Serving } from '../serving.ts';

/** How the events of one subscription are asked for and completed, as of one supergraph. */
export interface LivePlan {
  readonly operation: CompiledOperation;
  readonly subscription: CompiledSubscription;
  readonly clients: ClientSet;
  readonly variables: JsonObject;
  /** Runs `work` with a fresh execution, so that no event sees what was fetched for another, nor headers that have expired meanwhile. */
  readonly execute: (
    work: (execution: Execution) => Promise<FormattedExecutionResult>,
  ) => Promise<FormattedExecutionResult>;
}

export type PlanOutcome = LivePlan | { readonly errors: readonly GraphQLError[] };

/** The client's operation, ready for its events; or why it cannot be. */
export function planLive(serving: Serving, request: GraphQLRequest, scope: EngineScope): PlanOutcome {
  const operation = lookUp(serving, request, scope);
  if (operation.errors) return operation;
  const { subscription } = operation;
  if (!subscription) return { errors: [notHere(operation.kind)] };
  const coerced = operation.coerce(request.variables ?? {});
  if (coerced.errors) return { errors: coerced.errors };
  const { variables } = coerced;
  const execute: LivePlan['execute'] = (work) => executing(serving, variables, scope, work);
  return { operation, subscription, clients: serving.clients, variables, execute };
}

/** Whether the events of one plan are those that the other one asks for. */
export function asksTheSame({ subscription: one }: LivePlan, { subscription: other }: LivePlan): boolean {
  return one.service === other.service && one.operation.query === other.operation.query;
}
