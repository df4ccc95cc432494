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
  answered(serving, operation, given, scope, { asText: false, finish });

/** As JSON text where nothing failed. */
export const executeText: Execute<string> = (serving, operation, given, scope) =>
  answered(serving, operation, given, scope, { asText: true, finish: finishText });

function finishText(
  operation: CompiledOperation,
  execution: Execution,
  correlationId?: string,
): string | FormattedExecutionResult {
  if (execution.passThrough?.text) return execution.passThrough.text;
  const result = finish(operation, execution, correlationId);
  return result.errors ? result : JSON.stringify(result);
}

export const executeInParts: Execute<IncrementalResult> = async (serving, operation, given, scope) => {
  const parts = partsOf(operation, given);
  if (!parts) return execute(serving, operation, given, scope);
  const deferral = createDeferral();
  const execution = { ...begin(serving, parts.variables, scope), deferral };
  try {
    await run(parts.operation, execution);
    return deliver({ parts, execution, deferral, correlationId: scope.correlationId });
  } catch (error) {
    return ourFault(serving, scope, error);
  } finally {
    void deferral.over().then(serving.clients.release);
    countMutation(serving, parts.operation);
  }
};

/** Null where nothing is put off, or nothing runs. */
function partsOf(operation: Operation, given: GraphQLRequest['variables']) {
  if (operation.errors || !operation.inParts) return null;
  const coerced = operation.coerce(given ?? {});
  if (coerced.errors) return null;
  const { variables } = coerced;
  const parts = operation.inParts(variables);
  return parts.labels.size > 0 ? { ...parts, variables } : null;
}

interface Finish<T> {
  /** Whether the one fetch of a plan may be asked for its answer as text. */
  readonly asText: boolean;
  readonly finish: (operation: CompiledOperation, execution: Execution, correlationId?: string) => T;
}

/**
 * Runs an operation and makes its answer. Refuses what cannot run; answers a fault of ours as an error. One function rather than
 * several: each promise between a client and a plan is paid for with every request.
 */
async function answered<T>(
  serving: Serving,
  operation: Operation,
  given: GraphQLRequest['variables'],
  scope: EngineScope,
  { asText, finish: answer }: Finish<T>,
): Promise<T | FormattedExecutionResult> {
  const { correlationId, headers } = scope;
  if (operation.errors) {
    logFaults(operation.errors, headers, serving.log);
    return refused(operation.errors, correlationId);
  }
  if (operation.kind === 'subscription') return refused([notHere('subscription')], correlationId);
  const coerced = operation.coerce(given ?? {});
  if (coerced.errors) return refused(coerced.errors, correlationId);
  const execution = begin(serving, coerced.variables, scope, asText && operation.passesThrough);
  try {
    await run(operation, execution);
    return answer(operation, execution, correlationId);
  } catch (error) {
    return ourFault(serving, scope, error);
  } finally {
    serving.clients.release();
    countMutation(serving, operation);
  }
}

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

/** The clients are to be released when it is over. */
function begin(
  serving: Serving,
  variables: JsonObject,
  scope: EngineScope,
  passesThrough = false,
): Execution {
  const { log, tracing } = serving;
  const { headers, signal, endsAtMs } = scope;
  const clients = serving.clients.use();
  const passThrough = passesThrough ? { text: null } : undefined;
  return { variables, data: {}, errors: [], clients, headers, signal, endsAtMs, log, tracing, passThrough };
}

function ourFault({ log }: Serving, { headers, correlationId }: EngineScope, error: unknown) {
  log.error({ ...requestFields(headers), err: error }, 'operation failed');
  return refused([failure('Internal server error.')], correlationId);
}

function countMutation({ mutations }: Serving, { kind }: CompiledOperation): void {
  if (kind === 'mutation') mutations.ended += 1;
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
