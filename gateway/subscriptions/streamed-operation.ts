import type { FormattedExecutionResult } from 'graphql';
import { isResultStream, type GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import {
  isIncremental,
  type Engine,
  type EngineScope,
  type IncrementalResult,
  type SubsequentResult,
} from '../engine/engine.ts';
import { positionBehind } from '../engine/live/live-event.ts';
import type { PersistedQueries } from '../http/persisted-queries.ts';
import type { GatewayMetrics, StreamTransport } from '../metrics.ts';

/** A result; of an answer in parts, the first one. */
export type InitialResult = FormattedExecutionResult & { readonly hasNext?: true };

/** Where the results of one operation go. Each resolves once the client can take more. */
export interface ResultSink {
  /** `id`: where the client stands behind this result, if that is known. */
  next(result: InitialResult, id: string | null): Promise<void>;
  /** What `@defer` put off. */
  nextPart(part: SubsequentResult): Promise<void>;
  /** As `next`, with the result that says why the upstream was lost. */
  lost(result: FormattedExecutionResult): Promise<void>;
}

export interface StreamedRun {
  readonly operation: GraphQLRequest;
  /** Its signal ends the operation. */
  readonly scope: EngineScope;
  readonly transport: StreamTransport;
  /** The position behind which the client wants to go on. */
  readonly lastEventId: unknown;
  /** Called once a subscription has begun: from then on it waits for events. */
  readonly onLive: () => void;
}

export interface StreamedRunOptions {
  readonly engine: Engine;
  readonly metrics: GatewayMetrics;
  readonly persisted: PersistedQueries;
}

/** Runs one operation to its end, or until its signal. Rejects with what kept it from running. */
export async function runStreamed(
  { operation: asked, scope, transport, lastEventId, onLive }: StreamedRun,
  sink: ResultSink,
  { engine, metrics, persisted }: StreamedRunOptions,
): Promise<void> {
  const operation = persisted.complete(asked);
  if (engine.operationKind(operation, scope.headers) !== 'subscription') {
    metrics.operated(transport);
    return answerInParts(await engine.executeInParts(operation, scope), sink);
  }
  const from = isEventId(lastEventId) ? { ...scope, after: lastEventId } : scope;
  const stream = await engine.subscribe(operation, from);
  if (!isResultStream(stream)) return sink.next(stream, null);
  metrics.subscribed(transport);
  onLive();
  const stop = () => void stream.return();
  scope.signal.addEventListener('abort', stop);
  // The client may have gone while the subscription was being set up.
  if (scope.signal.aborted) stop();
  try {
    for await (const result of stream) {
      // An event has data, be it null.
      await ('data' in result ? sink.next(result, eventIdOf(result)) : sink.lost(result));
      metrics.delivered(transport);
    }
  } finally {
    scope.signal.removeEventListener('abort', stop);
    metrics.unsubscribed(transport);
  }
}

async function answerInParts(
  result: FormattedExecutionResult | IncrementalResult,
  sink: ResultSink,
): Promise<void> {
  if (!isIncremental(result)) return sink.next(result, null);
  await sink.next({ ...result.initial, hasNext: true }, null);
  for await (const part of result.subsequent) await sink.nextPart(part);
}

/** What a header carries unchanged, and a line of an event stream. */
const EVENT_ID = /^[\x21-\x7e]+$/;

const isEventId = (value: unknown): value is string => typeof value === 'string' && EVENT_ID.test(value);

function eventIdOf(result: FormattedExecutionResult): string | null {
  const position = positionBehind(result);
  return isEventId(position) ? position : null;
}
