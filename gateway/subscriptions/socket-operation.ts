import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
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
import type { RequestReport, Telemetry } from '../telemetry/report.ts';
import type { Enter } from '../traffic/load-shedding.ts';

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
  /** Throws a CodedError where it must not run. */
  readonly admit: () => void;
  readonly scopeOf: (report: RequestReport) => EngineScope;
  readonly reply: OperationReply;
  readonly enter: Enter;
  readonly engine: Engine;
  readonly metrics: GatewayMetrics;
  readonly telemetry: Telemetry;
  readonly log: Log;
}

/** Runs one operation of a socket to its end. Never rejects. */
export async function runOperation(run: SocketOperation): Promise<void> {
  const { admit, reply, log } = run;
  const report = reportOf(run);
  try {
    admit();
    await answerInTurn(run, report);
  } catch (error) {
    const { errors = [] } = failedResult(error, report.correlationId, log);
    report.failed(errors);
    await reply.error(errors);
  } finally {
    report.end();
  }
}

async function answerInTurn(run: SocketOperation, report: RequestReport): Promise<void> {
  const scope = run.scopeOf(report);
  const leave = await run
    .enter(() => scope.signal)
    .catch((error: unknown) => {
      // Its client has completed it meanwhile.
      if (scope.signal.aborted) return null;
      throw error;
    });
  if (!leave) return;
  try {
    await answer(run, scope, report, leave);
  } finally {
    leave();
  }
}

async function answer(
  run: SocketOperation,
  scope: EngineScope,
  report: RequestReport,
  onLive: () => void,
): Promise<void> {
  const { operation, engine, metrics } = run;
  if (engine.operationKind(operation, scope.headers) === 'subscription')
    return follow(run, scope, report, onLive);
  metrics.operated('websocket');
  const result = await engine.executeInParts(operation, scope);
  if (isIncremental(result)) await answerInParts(result, report, run);
  else await answerOnce(result, report, run);
}

function reportOf({ operation, telemetry }: SocketOperation): RequestReport {
  // A browser cannot set headers of a socket, and a socket carries many operations.
  const { correlationId, traceparent, tracestate } = operation.extensions ?? {};
  const report = telemetry.begin({
    transport: 'websocket',
    correlationId: correlationIdOf(correlationId),
    trace: { traceparent, tracestate },
  });
  report.asked(operation);
  return report;
}

async function follow(
  run: SocketOperation,
  scope: EngineScope,
  report: RequestReport,
  onLive: () => void,
): Promise<void> {
  const { operation, reply, engine, metrics } = run;
  const stream = await engine.subscribe(operation, scope);
  if (!isResultStream(stream)) return answerOnce(stream, report, run);
  metrics.subscribed('websocket');
  onLive();
  const stop = () => void stream.return();
  scope.signal.addEventListener('abort', stop);
  // The client may have gone while the subscription was being set up.
  if (scope.signal.aborted) stop();
  try {
    for await (const result of stream) {
      report.failed(result.errors);
      await reply.next(presentResult(result, report.correlationId));
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
  report: RequestReport,
  { reply }: SocketOperation,
): Promise<void> {
  report.failed(initial.errors);
  await reply.next({ ...presentResult(initial, report.correlationId), hasNext: true });
  for await (const result of subsequent) {
    for (const { errors } of result.incremental) report.failed(errors);
    await reply.next(presentSubsequent(result, report.correlationId));
  }
  await reply.complete();
}

// Without `data` nothing was executed: the protocol has a message of its own for that.
async function answerOnce(
  result: FormattedExecutionResult,
  report: RequestReport,
  { reply }: SocketOperation,
): Promise<void> {
  report.failed(result.errors);
  const presented = presentResult(result, report.correlationId);
  if (presented.errors && presented.data === undefined) return reply.error(presented.errors);
  await reply.next(presented);
  await reply.complete();
}
