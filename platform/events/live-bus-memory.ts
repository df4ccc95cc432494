import { CodedError } from '#platform/errors.ts';
import { createLiveQueue, type LiveQueue } from './live-queue.ts';
import type { LiveBus } from './ports.ts';

/** Live messages within one process. */
export function memoryLiveBus(): LiveBus {
  const topics = new Map<string, Set<LiveQueue>>();
  let closed = false;

  const requireOpen = () => {
    if (closed) throw new CodedError('SERVICE_UNAVAILABLE', 'The live bus is closed.');
  };

  return {
    async publish(topic, payload) {
      requireOpen();
      const queues = topics.get(topic);
      if (queues === undefined) return;
      // Through JSON, as over a network: subscribers get a value of their own, not the publisher's object.
      const message: unknown = JSON.parse(JSON.stringify(payload));
      for (const queue of queues) queue.push(message);
    },
    async subscribe(topic) {
      requireOpen();
      const queues = topics.get(topic) ?? new Set();
      topics.set(topic, queues);
      const queue = createLiveQueue(() => {
        queues.delete(queue);
        if (queues.size === 0 && topics.get(topic) === queues) topics.delete(topic);
      });
      queues.add(queue);
      return queue;
    },
    async ping() {
      requireOpen();
    },
    async close() {
      closed = true;
      for (const queues of topics.values()) for (const queue of queues) queue.end();
    },
  };
}
