import { GraphQLError } from 'graphql';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import { requestFields } from '#platform/tracing/trace-context.ts';
import type { Engine, EngineScope } from './engine.ts';
import { executing, notHere } from './execute.ts';
import { createInterruption } from './interruption.ts';
import { failure, lookUp } from './look-up.ts';
import { refused } from './response.ts';
import type { Serving } from './serving.ts';
import { startSubscription, type LastResult, type LivePlan, type LivePlans } from './subscription.ts';

/** Where subscriptions learn of the supergraph that serves. */
export interface Source {
  readonly serving: () => Serving;
  readonly onSwap: Engine['onSwap'];
}

/** See Engine.subscribe. */
export async function subscribe(source: Source, request: GraphQLRequest, scope: EngineScope) {
  const { correlationId } = scope;
  const plan = livePlan(source.serving(), request, scope);
  if ('errors' in plan) return refused(plan.errors, correlationId);
  try {
    return await startSubscription(followPlans(plan, source, request, scope), correlationId);
  } catch (error) {
    source.serving().log.error({ ...requestFields(scope.headers), err: error }, 'subscription failed');
    return refused([failure('Internal server error.')], correlationId);
  }
}

function livePlan(
  serving: Serving,
  request: GraphQLRequest,
  scope: EngineScope,
): LivePlan | { readonly errors: readonly GraphQLError[] } {
  const operation = lookUp(serving, request, scope);
  if (operation.errors) return operation;
  const { subscription } = operation;
  if (!subscription) return { errors: [notHere(operation.kind)] };
  const coerced = operation.coerce(request.variables ?? {});
  if (coerced.errors) return { errors: coerced.errors };
  const execute: LivePlan['execute'] = (work) => executing(serving, coerced.variables, scope, work);
  return { operation, subscription, clients: serving.clients, execute };
}

/** Plans anew with every supergraph. Events come as the first plan asked for them: a plan that needs other ones leaves the one before in force. */
function followPlans(
  first: LivePlan,
  source: Source,
  request: GraphQLRequest,
  scope: EngineScope,
): LivePlans {
  let current = first;
  const outdated = createInterruption<LastResult>();
  // The upstream stays with the clients of the first plan, whichever plan completes its events.
  first.clients.use();
  current.clients.use();
  const unfollow = source.onSwap(() => {
    const next = livePlan(source.serving(), request, scope);
    if ('errors' in next)
      return outdated.end({ last: refused([notValidAnyMore(), ...next.errors], scope.correlationId) });
    const { service, operation } = next.subscription;
    const isSame =
      service === first.subscription.service && operation.query === first.subscription.operation.query;
    if (!isSame) return;
    next.clients.use();
    current.clients.release();
    current = next;
  });
  const release = () => {
    unfollow();
    current.clients.release();
    first.clients.release();
  };
  return { current: () => current, outdated, release };
}

const notValidAnyMore = () =>
  new GraphQLError('The subscription ends: the graph has changed, and the operation is not valid any more.', {
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
  });
