import type { LiveSubscription } from './ports.ts';

/** The receiving end of a subscription: filled by a bus, emptied by one reader. */
export interface LiveQueue<T = unknown> extends LiveSubscription<T> {
  push(message: T): void;
  end(): void;
}

/**
 * Holds at most `maxMessages`: the oldest goes first when the reader is slow, because memory must not grow with it. That reader loses nothing:
 * what it follows has numbers, and a gap sends it to the event log. `onEnd` runs once.
 */
export function createLiveQueue<T = unknown>(onEnd: () => void, maxMessages = 1_000): LiveQueue<T> {
  const messages: T[] = [];
  const waiting: ((result: IteratorResult<T>) => void)[] = [];
  let ended = false;

  const end = () => {
    if (ended) return;
    ended = true;
    messages.length = 0;
    for (const resolve of waiting.splice(0)) resolve({ done: true, value: undefined });
    onEnd();
  };

  return {
    push(message) {
      if (ended) return;
      const resolve = waiting.shift();
      if (resolve) return resolve({ done: false, value: message });
      if (messages.push(message) > maxMessages) messages.shift();
    },
    end,
    next() {
      if (messages.length > 0) return Promise.resolve({ done: false, value: messages.shift()! });
      if (ended) return Promise.resolve({ done: true, value: undefined });
      return new Promise((resolve) => waiting.push(resolve));
    },
    return() {
      end();
      return Promise.resolve({ done: true, value: undefined });
    },
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}
