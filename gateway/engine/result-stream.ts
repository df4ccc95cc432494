import type { FormattedExecutionResult } from 'graphql';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { createInterruption } from './interruption.ts';

type Result = IteratorResult<FormattedExecutionResult, void>;

const DONE: Result = { value: undefined, done: true };

/**
 * A stream that reads `next` one after the other. An async generator would queue `return()` behind a `next()` that waits for an event
 * which may never come; here `return()` ends a waiting `next()` at once. `stop` runs once, at the end, whatever ended it.
 */
export function createResultStream(
  next: () => Promise<Result>,
  stop: () => Promise<void>,
  signal: AbortSignal,
): ResultStream {
  const interruption = createInterruption<Result>();
  let isOver = false;
  let tail: Promise<unknown> = Promise.resolve();
  const end = async (): Promise<Result> => {
    if (isOver) return DONE;
    isOver = true;
    signal.removeEventListener('abort', onAbort);
    interruption.end(DONE);
    await stop();
    return DONE;
  };
  const onAbort = () => void end().catch(() => undefined);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  const pull = async (): Promise<Result> => {
    if (isOver) return DONE;
    const result = await interruption.orEnd(next());
    if (result.done) await end();
    return result;
  };
  return {
    next: () => {
      // Events are handed out in order even where a caller asks for several at once.
      const result = tail.then(pull);
      tail = result.catch(() => undefined);
      return result;
    },
    return: end,
    throw: async (error: unknown) => {
      await end();
      throw error;
    },
    [Symbol.asyncIterator]() {
      return this;
    },
    async [Symbol.asyncDispose]() {
      await end();
    },
  };
}
