import { createLiveQueue } from '#platform/events/live-queue.ts';
import type { LiveBus, LiveSubscription } from '#platform/events/ports.ts';
import type { Poll } from '#platform/polling/poll.ts';

/** Live topic on which someone is hinted at a block, or the end of one, between them and somebody else. */
export const blocksTopic = (userId: string): string => `blocks:${userId}`;

/** Messages of several topics in one stream. Resolves once all of them are live; for a poll the stream ends behind what that has heard. */
export async function subscribeAll(
  liveBus: LiveBus,
  topics: readonly string[],
  poll: Poll | null,
): Promise<AsyncIterableIterator<unknown, unknown, void>> {
  return poll ? poll.listen(topics) : subscribeLive(liveBus, topics);
}

async function subscribeLive(liveBus: LiveBus, topics: readonly string[]): Promise<LiveSubscription> {
  const settled = await Promise.allSettled(topics.map((topic) => liveBus.subscribe(topic)));
  const subscriptions = settled.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
  const endAll = () => {
    for (const subscription of subscriptions) void subscription.return();
  };
  const failure = settled.find((result) => result.status === 'rejected');
  if (failure) {
    endAll();
    throw failure.reason;
  }
  const queue = createLiveQueue(endAll);
  const pump = async (subscription: LiveSubscription) => {
    for await (const message of subscription) queue.push(message);
  };
  // They end together when the bus closes, or because the queue ended them.
  void Promise.all(subscriptions.map(pump)).then(queue.end);
  return queue;
}
