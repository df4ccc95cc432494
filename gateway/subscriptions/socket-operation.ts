import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import type { CodedError } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { isResultStream, type GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import {
  isIncremental,
  type Engine,
  type EngineScope,
  type IncrementalResult,
  type SubsequentResult,
} from '../engine/engine.ts';
import { correlationIdOf } from '../http/correlation.ts';
import { failedResult, presentResult, presentSubsequent } from '../http/errors.ts';
import type { GatewayMetrics } from '../metrics.ts';

/** A whole result, or one part of an answer that comes in several. */
export type OperationMessage = (FormattedExecutionResult & { readonly hasNext?: true }) | SubsequentResult;

/** Where an operation's answers go. Each resolves once the client can take more. */
export interface OperationReply {
  next(result: OperationMessage): Promise<void>;
  /** The operation did not run, and is over. */
  error(errors: readonly GraphQLFormattedError[]): Promise<void>;
  complete(): Promise<void>;
}

export interface SocketOperation {
  readonly operation: GraphQLRequest;
  /** Why it must not run; null where it may. */
  readonly refusal: CodedError | null;
  readonly scopeOf: (correlationId: string) => EngineScope;
  readonly reply: OperationReply;
  readonly engine: Engine;
  readonly metrics: GatewayMetrics;
  readonly log: Log;
}

/** Runs one operation of a socket to its end. Never rejects. */
export async function runOperation(run: SocketOperation): Promise<void> {
  const { operation, refusal, reply, engine, metrics, log } = run;
  const correlationId = correlationIdOf(operation.extensions?.['correlationId']);
  try {
    if (refusal) throw refusal;
    const scope = run.scopeOf(correlationId);
    const isSubscription = engine.operationKind(operation) === 'subscription';
    if (isSubscription) return await follow(run, scope, correlationId);
    metrics.operated('websocket');
    const result = await engine.executeInParts(operation, scope);
    if (isIncremental(result)) await answerInParts(result, correlationId, run);
    else await answerOnce(result, correlationId, run);
  } catch (error) {
    const { errors = [] } = failedResult(error, correlationId, log);
    metrics.failed(errors);
    await reply.error(errors);
  }
}

async function follow(run: SocketOperation, scope: EngineScope, correlationId: string): Promise<void> {
  const { operation, reply, engine, metrics } = run;
  const stream = await engine.subscribe(operation, scope);
  if (!isResultStream(stream)) return answerOnce(stream, correlationId, run);
  metrics.subscribed('websocket');
  const stop = () => void stream.return();
  scope.signal.addEventListener('abort', stop);
  // The client may have gone while the subscription was being set up.
  if (scope.signal.aborted) stop();
  try {
    for await (const result of stream) {
      metrics.failed(result.errors);
      await reply.next(presentResult(result, correlationId));
      metrics.delivered('websocket');
    }
    await reply.complete();
  } finally {
    scope.signal.removeEventListener('abort', stop);
    metrics.unsubscribed('websocket');
  }
}

async function answerInParts(
  { initial, subsequent }: IncrementalResult,
  correlationId: string,
  { reply, metrics }: SocketOperation,
): Promise<void> {
  metrics.failed(initial.errors);
  await reply.next({ ...presentResult(initial, correlationId), hasNext: true });
  for await (const result of subsequent) {
    for (const { errors } of result.incremental) metrics.failed(errors);
    await reply.next(presentSubsequent(result, correlationId));
  }
  await reply.complete();
}

// Without `data` nothing was executed: the protocol has a message of its own for that.
async function answerOnce(
  result: FormattedExecutionResult,
  correlationId: string,
  { reply, metrics }: SocketOperation,
): Promise<void> {
  metrics.failed(result.errors);
  const presented = presentResult(result, correlationId);
  if (presented.errors && presented.data === undefined) return reply.error(presented.errors);
  await reply.next(presented);
  await reply.complete();
}
