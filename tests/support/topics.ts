type Item = { readonly value: string } | { readonly error: Error };

/** Streams that a test feeds, and sees end. */
export interface Topics {
  listen(topic: string): AsyncIterable<string>;
  emit(topic: string, value: string): void;
  fail(topic: string, error: Error): void;
  /** Resolves once a reader of `topic` has gone. */
  gone(topic: string): Promise<void>;
  readonly listeners: number;
}

interface Listener {
  readonly topic: string;
  push(item: Item): void;
}

export function createTopics(): Topics {
  const listeners = new Set<Listener>();
  const departures = new Map<string, PromiseWithResolvers<void>>();
  const departure = (topic: string) => {
    const known = departures.get(topic) ?? Promise.withResolvers<void>();
    departures.set(topic, known);
    return known;
  };
  const push = (topic: string, item: Item) => {
    for (const listener of listeners) if (listener.topic === topic) listener.push(item);
  };

  // A generator that waits is the hardest source to end: its return() queues behind the waiting next().
  async function* generate(topic: string): AsyncGenerator<string, void, void> {
    const items: Item[] = [];
    let wake = Promise.withResolvers<void>();
    const listener = {
      topic,
      push: (item: Item) => {
        items.push(item);
        wake.resolve();
      },
    };
    listeners.add(listener);
    try {
      for (;;) {
        for (let item = items.shift(); item; item = items.shift()) {
          if ('error' in item) throw item.error;
          yield item.value;
        }
        wake = Promise.withResolvers<void>();
        await wake.promise;
      }
    } finally {
      listeners.delete(listener);
      departure(topic).resolve();
    }
  }

  return {
    listen: generate,
    emit: (topic, value) => push(topic, { value }),
    fail: (topic, error) => push(topic, { error }),
    gone: (topic) => departure(topic).promise,
    get listeners() {
      return listeners.size;
    },
  };
}
