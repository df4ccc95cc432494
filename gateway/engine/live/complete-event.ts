import type { FormattedExecutionResult } from 'graphql';
import type { Log } from '#platform/log.ts';
import { withinEventSpan } from '../event-span.ts';
import { failure } from '../look-up.ts';
import { isJsonObject, type Execution } from '../plan/execution.ts';
import { fetchFailure, subgraphErrors } from '../plan/subgraph-errors.ts';
import { finish, refused } from '../response.ts';
import type { FeedEvent } from './feed.ts';
import { LiveEvent } from './live-event.ts';
import type { LivePlan } from './live-plan.ts';

/** Gets what is missing of an event from the other subgraphs. Never rejects. */
export async function completeEvent(
  { result, cursor, plan }: FeedEvent,
  correlationId: string | undefined,
  log: Log,
): Promise<LiveEvent> {
  const { operation, subscription, execute } = plan;
  const { service, placeOf, rest } = subscription;
  try {
    const completed = await execute((fresh) =>
      withinEventSpan(fresh, async (run) => {
        run.errors.push(...subgraphErrors(result.errors, service, placeOf));
        if (isJsonObject(result.data)) Object.assign(run.data, result.data);
        await rest?.(run);
        return finish(operation, run, correlationId);
      }),
    );
    return new LiveEvent(completed, cursor, correlationId, () => noticeOf(result, plan));
  } catch (error) {
    log.error({ err: error, correlationId }, 'event could not be completed');
    return new LiveEvent(refused([failure('Internal server error.')], correlationId), cursor, correlationId);
  }
}

/** That events are missing, in the words of the client's own subscription. */
function noticeOf({ data }: FormattedExecutionResult, plan: LivePlan): FormattedExecutionResult | null {
  const notice = isJsonObject(data) ? plan.subscription.log?.noticeAt(data) : null;
  if (!notice) return null;
  const { operation, variables } = plan;
  const result = finish(operation, { data: notice, errors: [], variables });
  return result.errors ? null : result;
}

/** Why a subscription does not begin, or is over: by what its subgraph says. */
export function refusedBy(
  plan: LivePlan,
  { errors }: FormattedExecutionResult,
  correlationId: string | undefined,
): Promise<FormattedExecutionResult> {
  const { service } = plan.subscription;
  return withErrors(plan, correlationId, (execution) =>
    execution.errors.push(...subgraphErrors(errors ?? [{}], service, (path) => [path])),
  );
}

/** The same, where the subgraph says nothing. */
export function lostWith(
  plan: LivePlan,
  error: unknown,
  correlationId: string | undefined,
): Promise<FormattedExecutionResult> {
  return withErrors(plan, correlationId, (execution) =>
    fetchFailure(execution, plan.subscription.service, error, [[]]),
  );
}

function withErrors(
  { operation, execute }: LivePlan,
  correlationId: string | undefined,
  add: (execution: Execution) => void,
): Promise<FormattedExecutionResult> {
  return execute(async (execution) => {
    add(execution);
    const { errors } = finish(operation, execution, correlationId);
    return { errors: errors ?? [] };
  });
}
