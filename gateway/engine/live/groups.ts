import type { FormattedExecutionResult } from 'graphql';
import type { Log } from '#platform/log.ts';
import type { GraphQLRequest, ResultStream } from '#platform/subgraph-endpoint.ts';
import type { EngineScope } from '../engine.ts';
import type { JsonObject } from '../plan/execution.ts';
import { refused } from '../response.ts';
import { createAudiences, type AudienceOptions } from './audience.ts';
import { Follower, Group } from './group.ts';
import { planLive, type LivePlan } from './live-plan.ts';
import type { ServingSource } from './live-plans.ts';
import { createRecollection, type RecollectionLimits } from './recent-events.ts';
import { streamOf } from './stream-of.ts';
import type { Following, Subscriber } from './subscriber.ts';
import { createUpstreams, type LiveCounts } from './upstreams.ts';

export interface LiveOptions extends AudienceOptions {
  /** How much is kept of the latest events, for those who come back. */
  readonly recollection?: Partial<RecollectionLimits>;
  /** How long a lost upstream is tried again before its subscribers are told. Default: a minute. */
  readonly resumeMs?: number;
}

/** Subscriptions, as many as are equal on one upstream and one run of their plan. */
export interface Groups {
  readonly counts: Readonly<LiveCounts>;
  /** See Engine.follow. */
  follow(
    request: GraphQLRequest,
    scope: EngineScope,
    subscriber: Subscriber,
  ): Promise<Following | FormattedExecutionResult>;
  /** See Engine.subscribe. */
  subscribe(request: GraphQLRequest, scope: EngineScope): Promise<ResultStream | FormattedExecutionResult>;
}

export function createGroups(source: ServingSource, log: Log, options: LiveOptions = {}): Groups {
  const known = new Map<string, Set<Group>>();
  const counts: LiveCounts = { groups: 0, upstreams: 0, resumptions: 0 };
  const upstreams = createUpstreams(counts);
  const recollection = createRecollection(options.recollection);
  const audienceOf = createAudiences(options);

  const begin = (siblings: Set<Group>, key: string, begun: Begun): Group => {
    const group = new Group({
      ...begun,
      source,
      upstreams,
      log,
      recent: recollection.begin(begun.start),
      resumeMs: options.resumeMs,
      onDelivered: (one, cursor) => siblings.size > 1 && uniteAt(cursor, one, siblings),
      onResumed: () => void (counts.resumptions += 1),
      onOver(one) {
        counts.groups -= 1;
        siblings.delete(one);
        if (siblings.size === 0 && known.get(key) === siblings) known.delete(key);
      },
    });
    counts.groups += 1;
    siblings.add(group);
    known.set(key, siblings);
    return group;
  };
  const follow: Groups['follow'] = async (request, scope, subscriber) => {
    const plan = planLive(source.serving(), request, scope);
    if ('errors' in plan) return refused(plan.errors, scope.correlationId);
    const audience = audienceOf(scope);
    const { log: eventLog } = plan.subscription;
    const start = eventLog && (scope.after ?? eventLog.startOf(plan.variables));
    const key = keyOf(request, plan, audience);
    const siblings = known.get(key) ?? new Set();
    const group =
      joinable(siblings, plan, start) ?? begin(siblings, key, { plan, request, scope, audience, start });
    const follower = new Follower(subscriber);
    group.add(follower, start);
    return (await group.opened) ?? follower;
  };
  return {
    counts,
    follow,
    subscribe: (request, scope) => streamOf((subscriber) => follow(request, scope, subscriber), scope.signal),
  };
}

interface Begun {
  readonly plan: LivePlan;
  readonly request: GraphQLRequest;
  readonly scope: EngineScope;
  readonly audience: string;
  readonly start: unknown;
}

function otherThan(name: string | null | undefined, variables: JsonObject): JsonObject {
  if (typeof name !== 'string') return variables;
  const { [name]: _start, ...others } = variables;
  return others;
}

/** Operation and caller; a position makes no difference, since those who start at different ones come to the same. */
function keyOf({ query, operationName }: GraphQLRequest, plan: LivePlan, audience: string): string {
  const { subscription, variables } = plan;
  return [
    audience,
    JSON.stringify([operationName, otherThan(subscription.log?.startVariable, variables)]),
    query,
  ].join('\n');
}

function joinable(siblings: ReadonlySet<Group>, { operation }: LivePlan, start: unknown): Group | undefined {
  const startsNow = (start ?? null) === null;
  for (const group of siblings) {
    if (group.plan.operation !== operation) continue;
    if (startsNow ? group.isLive : group.recent.behind(start) !== null) return group;
  }
  return undefined;
}

/** A group that comes to a place where another one has been goes on as part of that one. */
function uniteAt(cursor: string, group: Group, siblings: ReadonlySet<Group>): void {
  for (const other of siblings) {
    if (other === group || !other.isOpen || other.plan.operation !== group.plan.operation) continue;
    if (other.recent.behind(cursor) !== null) return group.moveTo(other, cursor);
  }
}
