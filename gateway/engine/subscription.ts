import type { FormattedExecutionResult } from 'graphql';
import { isResultStream, type ResultStream } from '#platform/subgraph-endpoint.ts';
import type { ClientSet } from './client-registry.ts';
import type { CompiledOperation } from './operation.ts';
import { clientOf } from './plan/fetch.ts';
import type { CompiledSubscription } from './plan/compile-plan.ts';
import { isJsonObject, type Execution } from './plan/execution.ts';
import { fetchFailure, subgraphErrors } from './plan/subgraph-errors.ts';
import type { Interruption } from './interruption.ts';
import { finish } from './response.ts';
import { createResultStream } from './result-stream.ts';
import { withinEventSpan } from './event-span.ts';

/** How events are completed now: what was planned for the supergraph that serves. */
export interface LivePlan {
  readonly operation: CompiledOperation;
  readonly subscription: CompiledSubscription;
  readonly clients: ClientSet;
  /** Runs `work` with a fresh execution, so that no event sees what was fetched for another, nor headers that have expired meanwhile. */
  readonly execute: <T>(work: (execution: Execution) => Promise<T>) => Promise<T>;
}

export interface LastResult {
  readonly last: FormattedExecutionResult;
}

/** The plan of a subscription as supergraphs come and go. */
export interface LivePlans {
  readonly current: () => LivePlan;
  /** Ends with the last result, once the operation is not valid any more. */
  readonly outdated: Interruption<LastResult>;
  /** To be called once, when the subscription is over. */
  readonly release: () => void;
}

/** Opens the upstream and completes each of its events from the other subgraphs. A swap of the supergraph leaves the upstream open. */
export async function startSubscription(
  plans: LivePlans,
  correlationId: string | undefined,
): Promise<ResultStream | FormattedExecutionResult> {
  const { operation, subscription, execute } = plans.current();
  const { service } = subscription;
  return execute(async (first) => {
    const { headers, signal } = first;
    const variables = subscription.variablesOf(first);
    try {
      const request = {
        operation: subscription.operation,
        variables,
        representations: null,
        headers,
        signal,
      };
      const upstream = await clientOf(first, service).subscribe(request);
      if (isResultStream(upstream)) return completeEvents(plans, upstream, signal, correlationId);
      first.errors.push(...subgraphErrors(upstream.errors ?? [{}], service, (path) => [path]));
    } catch (error) {
      fetchFailure(first, service, error, [[]]);
    }
    plans.release();
    const { errors } = finish(operation, first, correlationId);
    return { errors: errors ?? [] };
  });
}

function completeEvents(
  plans: LivePlans,
  upstream: ResultStream,
  signal: AbortSignal,
  correlationId: string | undefined,
): ResultStream {
  let isLost = false;
  const next = async (): Promise<IteratorResult<FormattedExecutionResult, void>> => {
    if (isLost) return { value: undefined, done: true };
    try {
      const event = await plans.outdated.orEnd(upstream.next());
      if ('last' in event) {
        isLost = true;
        return { value: event.last };
      }
      if (event.done) return { value: undefined, done: true };
      const { operation, subscription, execute } = plans.current();
      return await execute((fresh) =>
        withinEventSpan(fresh, async (run) => {
          await completeEvent(subscription, event.value, run);
          return { value: finish(operation, run, correlationId) };
        }),
      );
    } catch (error) {
      isLost = true;
      const { operation, subscription, execute } = plans.current();
      return execute(async (failed) => {
        fetchFailure(failed, subscription.service, error, [[]]);
        const { errors } = finish(operation, failed, correlationId);
        return { value: { errors: errors ?? [] } };
      });
    }
  };
  const stop = async () => {
    try {
      await upstream.return();
    } finally {
      plans.release();
    }
  };
  return createResultStream(next, stop, signal);
}

async function completeEvent(
  { service, rewrite, rest }: CompiledSubscription,
  { data, errors }: FormattedExecutionResult,
  execution: Execution,
): Promise<void> {
  execution.errors.push(...subgraphErrors(errors, service, (path) => [path]));
  if (!isJsonObject(data)) return;
  rewrite?.(data);
  Object.assign(execution.data, data);
  await rest?.(execution);
}
