import type { IncomingMessage, ServerResponse } from 'node:http';
import type { FormattedExecutionResult } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import { isResultStream, type GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import type { Identity } from '../auth/auth.ts';
import type { Engine, EngineScope } from '../engine/engine.ts';
import { drained, STALL_MS } from '../http/drained.ts';
import { failedResult, presentResult } from '../http/errors.ts';
import { EVENT_STREAM_TYPE } from '../http/media-types.ts';
import type { GatewayMetrics } from '../metrics.ts';
import type { RequestReport } from '../telemetry/report.ts';

export interface StreamedOperation {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  readonly operation: GraphQLRequest;
  readonly scope: EngineScope;
  readonly identity: Identity | null;
  readonly report: RequestReport;
  /** Called once a subscription has begun: from then on it waits for events. */
  readonly onLive: () => void;
}

/** Operations over server-sent events, by the distinct-connections mode of the graphql-sse protocol. */
export interface EventStreams {
  /** Resolves when the stream is over. Refusals travel in the stream, as a `next` event, since EventSource hides other answers. */
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
  /** Comments that keep proxies from closing a silent connection. */
  readonly heartbeatMs?: number;
  /** A client that takes nothing for this long is let go. */
  readonly stallMs?: number;
}

const HEARTBEAT_MS = 12_000;
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
  next(result: FormattedExecutionResult): Promise<void>;
  end(error: CodedError | null): void;
}

function openChannel(
  { response, scope, identity }: StreamedOperation,
  options: EventStreamsOptions,
): Channel {
  const { heartbeatMs = HEARTBEAT_MS, stallMs = STALL_MS, log } = options;
  const over = new AbortController();
  const correlationId = scope.correlationId ?? '';
  response.writeHead(200, {
    'content-type': `${EVENT_STREAM_TYPE}; charset=utf-8`,
    'x-accel-buffering': 'no',
  });
  // Some browsers report the connection as open only once a first byte has come.
  response.write(':\n\n');
  const end = (error: CodedError | null) => {
    if (over.signal.aborted) return;
    over.abort();
    if (error) response.write(event('next', JSON.stringify(failedResult(error, correlationId, log))));
    response.end(event('complete', ''));
  };
  const heartbeat = setInterval(() => !response.writableNeedDrain && response.write(':\n\n'), heartbeatMs);
  const expiry = identity && setTimeout(() => end(expired()), lifeMs(identity));
  response.once('close', () => {
    clearInterval(heartbeat);
    if (expiry) clearTimeout(expiry);
    over.abort();
  });
  return {
    over: over.signal,
    end,
    async next(result) {
      if (over.signal.aborted) return;
      if (!response.write(event('next', JSON.stringify(presentResult(result, correlationId)))))
        await drained(response, stallMs);
    },
  };
}

// JSON.stringify leaves no line break in its output, so that one data field carries any result.
const event = (name: string, data: string) => `event: ${name}\ndata: ${data}\n\n`;

const expired = () => new CodedError('UNAUTHENTICATED', 'The access token has expired.');

const lifeMs = ({ expiresAtMs }: Identity) => Math.min(Math.max(expiresAtMs - Date.now(), 0), MAX_TIMER_MS);

async function pump(
  streamed: StreamedOperation,
  channel: Channel,
  options: EventStreamsOptions,
): Promise<void> {
  const { engine, metrics, log } = options;
  const { operation, report, onLive } = streamed;
  report.asked(operation);
  const deliver = (result: FormattedExecutionResult) => {
    report.failed(result.errors);
    return channel.next(result);
  };
  const scope = { ...streamed.scope, signal: channel.over };
  try {
    if (engine.operationKind(operation, scope.headers) !== 'subscription') {
      metrics.operated('sse');
      return await deliver(await engine.execute(operation, scope));
    }
    const stream = await engine.subscribe(operation, scope);
    if (!isResultStream(stream)) return await deliver(stream);
    metrics.subscribed('sse');
    onLive();
    const stop = () => void stream.return();
    channel.over.addEventListener('abort', stop);
    if (channel.over.aborted) stop();
    try {
      for await (const result of stream) {
        await deliver(result);
        metrics.delivered('sse');
      }
    } finally {
      channel.over.removeEventListener('abort', stop);
      metrics.unsubscribed('sse');
    }
  } catch (error) {
    await deliver(failedResult(error, report.correlationId, log));
  }
}
