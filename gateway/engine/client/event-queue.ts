import type { FormattedExecutionResult } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { createResultStream } from '../result-stream.ts';

/** Turns pushed events into a stream that is read at the reader's pace, in order. */
export interface EventQueue {
  readonly stream: ResultStream;
  push(result: FormattedExecutionResult): void;
  /** Ends the stream after what is queued. */
  end(): void;
  /** Makes the stream throw after what is queued. */
  fail(error: Error): void;
  /** Null where fewer than `count` events wait; else resolves once that is so, or the stream is over. */
  whenBelow(count: number): Promise<void> | null;
}

/** Past `maxQueued` events the stream fails, because memory is bounded and dropping one silently would be a lie. `stop` runs once. */
export function createEventQueue(
  maxQueued: number,
  signal: AbortSignal,
  stop: () => void,
  onDropped?: () => void,
): EventQueue {
  const queued: FormattedExecutionResult[] = [];
  let failure: Error | undefined;
  let isClosed = false;
  let arrival = Promise.withResolvers<void>();
  let relief: { readonly count: number; readonly given: PromiseWithResolvers<void> } | null = null;
  const relieve = () => {
    relief?.given.resolve();
    relief = null;
  };
  const close = (error?: Error) => {
    if (isClosed) return;
    isClosed = true;
    failure = error;
    arrival.resolve();
  };
  const next = async (): Promise<IteratorResult<FormattedExecutionResult, void>> => {
    if (queued.length === 0 && !isClosed) {
      arrival = Promise.withResolvers();
      await arrival.promise;
    }
    const value = queued.shift();
    if (relief && queued.length < relief.count) relieve();
    if (value !== undefined) return { value };
    if (failure) throw failure;
    return { value: undefined, done: true };
  };
  return {
    stream: createResultStream(
      next,
      async () => {
        close();
        relieve();
        stop();
      },
      signal,
    ),
    push(result) {
      if (isClosed) return;
      if (queued.length < maxQueued) queued.push(result);
      else {
        onDropped?.();
        close(new CodedError('SLOW_CONSUMER', 'Events arrived faster than they were read.'));
        relieve();
        stop();
      }
      arrival.resolve();
    },
    end: () => close(),
    fail: close,
    whenBelow(count) {
      if (queued.length < count || isClosed) return null;
      relief ??= { count, given: Promise.withResolvers() };
      return relief.given.promise;
    },
  };
}
