import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FormattedExecutionResult } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { isResultStream, type GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import type { Identity } from '../auth/auth.ts';
import type { Engine, EngineScope } from '../engine/engine.ts';
import { drained, STALL_MS } from '../http/drained.ts';
import { failedResult, presentResult } from '../http/errors.ts';
import type { GatewayMetrics, StreamTransport } from '../metrics.ts';
import type { RequestReport } from '../telemetry/report.ts';
import { resumptionOf } from './resumption.ts';
import { STREAM_ENCODINGS } from './stream-encodings.ts';

export interface StreamedOperation {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly transport: StreamTransport;
  readonly operation: GraphQLRequest;
  readonly scope: EngineScope;
  readonly identity: Identity | null;
  readonly report: RequestReport;
  /** Called once a subscription has begun: from then on it waits for events. */
  readonly onLive: () => void;
}

/** Operations whose results are sent one by one in a response that stays open: as server-sent events, or as parts. */
export interface EventStreams {
  /** Resolves when the stream is over. Refusals travel in the stream, since EventSource hides other answers. */
  serve(operation: StreamedOperation): Promise<void>;
  /** Ends the streams of a session, telling its client why. */
  endSession(sessionId: string): void;
  /** Ends every stream. */
  close(): void;
}

export interface EventStreamsOptions {
  readonly engine: Engine;
  readonly metrics: GatewayMetrics;
  readonly log: Log;
  readonly limits?: Partial<StreamLimits> | undefined;
}

export interface StreamLimits {
  /** Pause between two heartbeats, which keep proxies from closing a silent connection. */
  readonly heartbeatMs: Readonly<Record<StreamTransport, number>>;
  /** A client that takes nothing for this long is let go. */
  readonly stallMs: number;
}

const STREAM_LIMITS: StreamLimits = { heartbeatMs: { sse: 12_000, multipart: 5_000 }, stallMs: STALL_MS };
/** setTimeout's own limit is 2^31 - 1 ms; a token lives shorter than a day. */
const MAX_TIMER_MS = 86_400_000;

interface OpenStream {
  readonly sessionId: string | undefined;
  end(error: CodedError | null): void;
}

export function createEventStreams(options: EventStreamsOptions): EventStreams {
  const open = new Set<OpenStream>();
  return {
    async serve(operation) {
      const channel = openChannel(operation, options);
      const stream = { sessionId: operation.identity?.viewer.sessionId, end: channel.end };
      open.add(stream);
      try {
        await pump(operation, channel, options);
      } finally {
        open.delete(stream);
        channel.end(null);
      }
    },
    endSession(sessionId) {
      for (const stream of open)
        if (stream.sessionId === sessionId)
          stream.end(new CodedError('UNAUTHENTICATED', 'The session was ended.'));
    },
    close() {
      for (const stream of open) stream.end(null);
    },
  };
}

interface Channel {
  /** Aborted when the stream is over, whoever ended it. */
  readonly over: AbortSignal;
  /** Resolves once the client can take more, so that a slow one holds one event back and not a queue of them. */
  next(result: FormattedExecutionResult, id?: string | null): Promise<void>;
  /** As `next`, with the result that says why the upstream was lost. */
  fail(result: FormattedExecutionResult): Promise<void>;
  /** Tells the client what has failed, unless it is null. Whatever comes later is dropped. */
  end(error: unknown): void;
}

function openChannel(
  { response, transport, identity, report }: StreamedOperation,
  { limits, log }: EventStreamsOptions,
): Channel {
  const { heartbeatMs, stallMs } = { ...STREAM_LIMITS, ...limits };
  const encoding = STREAM_ENCODINGS[transport];
  const over = new AbortController();
  const { correlationId } = report;
  response.writeHead(200, { 'content-type': encoding.contentType, 'x-accel-buffering': 'no' });
  response.write(encoding.opening);
  const end = (error: unknown) => {
    if (over.signal.aborted) return;
    over.abort();
    if (error !== null) {
      const failure = failedResult(error, correlationId, log);
      report.failed(failure.errors);
      response.write(encoding.failure(failure));
    }
    response.end(encoding.closing);
  };
  const beat = () => response.writableNeedDrain || response.write(encoding.heartbeat);
  const heartbeat = setInterval(beat, heartbeatMs[transport]);
  const expiry = identity && setTimeout(() => end(expired()), lifeMs(identity));
  response.once('close', () => {
    clearInterval(heartbeat);
    if (expiry) clearTimeout(expiry);
    over.abort();
  });
  const send = async (
    result: FormattedExecutionResult,
    encode: (presented: FormattedExecutionResult) => string,
  ) => {
    if (over.signal.aborted) return;
    report.failed(result.errors);
    if (!response.write(encode(presentResult(result, correlationId)))) await drained(response, stallMs);
  };
  return {
    over: over.signal,
    end,
    next: (result, id = null) => send(result, (presented) => encoding.result(presented, id)),
    fail: (result) => send(result, encoding.failure),
  };
}

const expired = () => new CodedError('UNAUTHENTICATED', 'The access token has expired.');

const lifeMs = ({ expiresAtMs }: Identity) => Math.min(Math.max(expiresAtMs - Date.now(), 0), MAX_TIMER_MS);

async function pump(
  streamed: StreamedOperation,
  channel: Channel,
  { engine, metrics }: EventStreamsOptions,
): Promise<void> {
  const { request, operation, transport, report, onLive } = streamed;
  report.asked(operation);
  const scope = { ...streamed.scope, signal: channel.over };
  try {
    if (engine.operationKind(operation, scope.headers) !== 'subscription') {
      metrics.operated(transport);
      return await channel.next(await engine.execute(operation, scope));
    }
    const resumption = resumptionOf(operation, engine.apiSchema, request.headers['last-event-id']);
    const stream = await engine.subscribe(resumption.operation, scope);
    if (!isResultStream(stream)) return await channel.next(stream);
    metrics.subscribed(transport);
    onLive();
    const stop = () => void stream.return();
    channel.over.addEventListener('abort', stop);
    if (channel.over.aborted) stop();
    try {
      for await (const result of stream) {
        // An event has data, be it null.
        await ('data' in result ? channel.next(result, resumption.idOf(result)) : channel.fail(result));
        metrics.delivered(transport);
      }
    } finally {
      channel.over.removeEventListener('abort', stop);
      metrics.unsubscribed(transport);
    }
  } catch (error) {
    channel.end(error);
  }
}
