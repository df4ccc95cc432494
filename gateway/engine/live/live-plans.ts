import { GraphQLError, type FormattedExecutionResult } from 'graphql';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import { UNAUTHORIZED } from '../authorization/unauthorized.ts';
import type { Engine, EngineScope } from '../engine.ts';
import { createInterruption, type Interruption } from '../interruption.ts';
import { refused } from '../response.ts';
import type { Serving } from '../serving.ts';
import { asksTheSame, planLive, type LivePlan } from './live-plan.ts';

/** Where subscriptions learn of the supergraph that serves. */
export interface ServingSource {
  readonly serving: () => Serving;
  readonly onSwap: Engine['onSwap'];
}

export interface LastResult {
  readonly last: FormattedExecutionResult;
}

/** The plan of a subscription as supergraphs come and go. */
export interface LivePlans {
  readonly current: LivePlan;
  /** Ends with the last result, once the operation is not valid any more. */
  readonly outdated: Interruption<LastResult>;
  /** To be called once, when the subscription is over. */
  release(): void;
}

/**
 * Plans anew with every supergraph. A plan that asks for other events is taken only where `askAnew` says that they are asked for from now on;
 * else the plan before stays in force, which completes the events that come. It does not where there is something by now that the caller must not see.
 */
export function followPlans(
  first: LivePlan,
  source: ServingSource,
  request: GraphQLRequest,
  scope: EngineScope,
  askAnew: () => boolean,
): LivePlans {
  let current = first;
  const outdated = createInterruption<LastResult>();
  current.clients.use();
  const unfollow = source.onSwap(() => {
    const next = planLive(source.serving(), request, scope);
    if ('errors' in next)
      return outdated.end({ last: refused([notValidAnyMore(), ...next.errors], scope.correlationId) });
    const before = current;
    const isSame = asksTheSame(next, before);
    if (!isSame && !askAnew()) {
      if (next.operation.withholds) outdated.end({ last: refused([notSeenAnyMore()], scope.correlationId) });
      return;
    }
    next.clients.use();
    current = next;
    before.clients.release();
  });
  return {
    get current() {
      return current;
    },
    outdated,
    release() {
      unfollow();
      current.clients.release();
    },
  };
}

const notSeenAnyMore = () =>
  new GraphQLError('The subscription ends: the graph has changed, and the caller may not see all of it.', {
    extensions: UNAUTHORIZED.extensions,
  });

const notValidAnyMore = () =>
  new GraphQLError('The subscription ends: the graph has changed, and the operation is not valid any more.', {
    extensions: { code: 'GRAPHQL_VALIDATION_FAILED' },
  });
