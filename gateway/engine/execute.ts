import { GraphQLError, type FormattedExecutionResult } from 'graphql';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import { requestFields } from '#platform/tracing/trace-context.ts';
import type { EngineScope, IncrementalResult } from './engine.ts';
import { createDeferral } from './incremental/deferral.ts';
import { deliver } from './incremental/delivery.ts';
import { failure, logFaults } from './look-up.ts';
import type { CompiledOperation, Operation } from './operation.ts';
import type { Execution, JsonObject } from './plan/execution.ts';
import { finish, refused } from './response.ts';
import type { Serving } from './serving.ts';

/** Runs one operation on what serves. Never rejects. */
export type Execute<T> = (
  serving: Serving,
  operation: Operation,
  given: GraphQLRequest['variables'],
  scope: EngineScope,
) => Promise<T | FormattedExecutionResult>;

export const execute: Execute<FormattedExecutionResult> = (serving, operation, given, scope) =>
  prepared(serving, operation, given, scope, (ready, variables) =>
    executing(serving, variables, scope, async (execution) => {
      await run(ready, execution);
      return finish(ready, execution, scope.correlationId);
    }),
  );

/** As JSON text where nothing failed. */
export const executeText: Execute<string> = (serving, operation, given, scope) =>
  prepared(serving, operation, given, scope, (ready, variables) =>
    executing(serving, variables, scope, async (begun) => {
      const passThrough = ready.passesThrough ? { text: null } : undefined;
      const execution: Execution = { ...begun, passThrough };
      await run(ready, execution);
      if (execution.passThrough?.text) return execution.passThrough.text;
      const result = finish(ready, execution, scope.correlationId);
      return result.errors ? result : JSON.stringify(result);
    }),
  );

export const executeInParts: Execute<IncrementalResult> = (serving, operation, given, scope) =>
  operation.errors || !operation.inParts
    ? execute(serving, operation, given, scope)
    : prepared(serving, operation, given, scope, async ({ inParts }, variables) => {
        const parts = inParts?.(variables);
        if (!parts || parts.labels.size === 0) return execute(serving, operation, given, scope);
        const deferral = createDeferral();
        const execution = { ...begin(serving, variables, scope), deferral };
        try {
          await run(parts.operation, execution);
        } finally {
          void deferral.over().then(serving.clients.release);
        }
        return deliver({ parts, execution, deferral, correlationId: scope.correlationId });
      });

/** Gives `work` an execution to run in, and frees what it holds afterwards. */
export async function executing<T>(
  serving: Serving,
  variables: JsonObject,
  scope: EngineScope,
  work: (execution: Execution) => Promise<T>,
): Promise<T> {
  const execution = begin(serving, variables, scope);
  try {
    return await work(execution);
  } finally {
    serving.clients.release();
  }
}

/** The clients are to be released when it is over: `executing` does. */
function begin({ clients, log, tracing }: Serving, variables: JsonObject, scope: EngineScope): Execution {
  const { headers, signal, endsAtMs } = scope;
  return { variables, data: {}, errors: [], clients: clients.use(), headers, signal, endsAtMs, log, tracing };
}

/** Refuses what cannot run; answers a fault of ours as an error. */
async function prepared<T>(
  { log, mutations }: Serving,
  operation: Operation,
  given: GraphQLRequest['variables'],
  { headers, correlationId }: EngineScope,
  answer: (operation: CompiledOperation, variables: JsonObject) => Promise<T>,
): Promise<T | FormattedExecutionResult> {
  if (operation.errors) {
    logFaults(operation.errors, headers, log);
    return refused(operation.errors, correlationId);
  }
  if (operation.kind === 'subscription') return refused([notHere('subscription')], correlationId);
  const coerced = operation.coerce(given ?? {});
  if (coerced.errors) return refused(coerced.errors, correlationId);
  try {
    return await answer(operation, coerced.variables);
  } catch (error) {
    log.error({ ...requestFields(headers), err: error }, 'operation failed');
    return refused([failure('Internal server error.')], correlationId);
  } finally {
    if (operation.kind === 'mutation') mutations.ended += 1;
  }
}

async function run(operation: CompiledOperation, execution: Execution): Promise<void> {
  // The planner answers some operations that select data with an empty plan. Null data would look like an answer.
  if (!operation.run && operation.projection.selectsData(execution.variables)) {
    throw new Error('the plan is empty though the operation selects data');
  }
  await operation.run?.(execution);
  if (!execution.signal.aborted || execution.errors.length > 0) return;
  const extensions = { code: 'SUBGRAPH_TIMEOUT' };
  execution.errors.push({ message: 'The request ended before it was answered.', extensions });
}

export function notHere(kind: string): GraphQLError {
  const message = `A ${kind} cannot be run this way.`;
  return new GraphQLError(message, { extensions: { code: 'BAD_REQUEST' } });
}
