import type { FormattedExecutionResult } from 'graphql';
import { openBuffer, type EventBuffer } from './event-buffer.ts';
import { createPosition, type Position } from './event-log.ts';
import { RealtimeError } from './realtime-error.ts';
import { createRecovery, type OnRetry, type Recovery, type RetryOptions } from './recovery.ts';
import type { SubscriptionRequest, Transport } from './transport.ts';

export interface SubscriptionOptions {
  readonly transport: Transport;
  readonly retry: RetryOptions;
  readonly maxBufferedEvents: number;
  readonly onRetry: OnRetry;
}

/**
 * Results of one subscription over as many connections as it takes. Throws a RealtimeError where no other try would help; ends quietly where
 * the server completes it or `signal` is aborted.
 */
export async function* follow<Data>(
  request: SubscriptionRequest,
  { transport, retry, maxBufferedEvents, onRetry }: SubscriptionOptions,
  signal: AbortSignal,
): AsyncGenerator<FormattedExecutionResult<Data>, void, undefined> {
  const position = createPosition(request.query, request.variables);
  const recovery = createRecovery(retry, onRetry, signal);
  while (!signal.aborted) {
    const continued = { query: position.query, variables: position.begin() };
    recovery.begin();
    const buffer = openBuffer<Data>((sink) => transport.subscribe(continued, sink), maxBufferedEvents);
    const stop = () => buffer.stop();
    signal.addEventListener('abort', stop);
    try {
      const end = yield* resultsOf(buffer, position, recovery);
      if (end === 'completed') return;
      if (end !== 'behind') await recovery.failed(end);
    } finally {
      signal.removeEventListener('abort', stop);
      stop();
    }
  }
}

/** Why one connection gives no more: `behind`, the reader was too slow, and can go on at once. */
type End = RealtimeError | 'completed' | 'behind';

async function* resultsOf<Data>(
  buffer: EventBuffer<Data>,
  position: Position,
  recovery: Recovery,
): AsyncGenerator<FormattedExecutionResult<Data>, End, undefined> {
  for (let isFirst = true; ; isFirst = false) {
    const arrival = await buffer.next();
    if (arrival.kind === 'failed') return arrival.error;
    if (arrival.kind === 'completed') return 'completed';
    if (arrival.kind === 'full') return 'behind';
    const step = position.take(arrival.result.data);
    if (step === 'missed') return isFirst ? tooSlow() : 'behind';
    recovery.succeeded();
    if (step === 'new') yield arrival.result;
  }
}

/** Nothing came before it, so that an immediate try could end the same way, again and again. */
const tooSlow = () => new RealtimeError('Events come faster than they can be taken', { remedy: 'retry' });
