import type { FormattedExecutionResult } from 'graphql';
import type { ResultStream } from './subgraph-endpoint.ts';

export interface EventMapping {
  readonly source: AsyncIterable<unknown>;
  readonly map: (event: unknown) => Promise<FormattedExecutionResult>;
  /** The last result, where the source or `map` fails. */
  readonly failureOf: (error: unknown) => FormattedExecutionResult;
  /** Ends the stream when it is aborted. */
  readonly signal: AbortSignal;
  /** Called once, however the stream ends. */
  readonly onEnd: () => void;
}

type Result = IteratorResult<FormattedExecutionResult, void>;

const DONE: Result = { done: true, value: undefined };

/** Like an async generator, but `return()` reaches source and reader at once, even while a `next()` waits for an event. */
export function mapEvents({ source, map, failureOf, signal, onEnd }: EventMapping): ResultStream {
  const events = source[Symbol.asyncIterator]();
  // Each reader is ended by its own promise: racing against one that lives as long as the stream would gather a reaction per event.
  const readers = new Set<(result: Result) => void>();
  let isOver = false;

  const end = async (): Promise<Result> => {
    if (isOver) return DONE;
    isOver = true;
    signal.removeEventListener('abort', onAbort);
    onEnd();
    const released = Promise.resolve(events.return?.()).catch(() => undefined);
    // A generator that waits for an event comes to its `return()` only behind it.
    if (readers.size === 0) await released;
    for (const finish of readers) finish(DONE);
    return DONE;
  };
  const onAbort = () => void end();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();

  const pull = async (leave: () => void): Promise<Result> => {
    try {
      const event = isOver ? DONE : await events.next();
      if (!event.done && !isOver) return { done: false, value: await map(event.value) };
      await end();
      return DONE;
    } catch (error) {
      if (isOver) return DONE;
      // This reader gets the failure; only the others are told that it is over.
      leave();
      await end();
      return { done: false, value: failureOf(error) };
    }
  };
  const stream: ResultStream = {
    next: () =>
      new Promise((resolve) => {
        readers.add(resolve);
        const leave = () => readers.delete(resolve);
        void pull(leave).then(resolve).finally(leave);
      }),
    return: end,
    async throw(error) {
      await end();
      throw error;
    },
    [Symbol.asyncIterator]: () => stream,
    [Symbol.asyncDispose]: async () => void (await end()),
  };
  return stream;
}
