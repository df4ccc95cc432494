import type { FormattedExecutionResult } from 'graphql';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { EventQueue } from '../client/event-queue.ts';
import { isFollowing, type Following, type Subscriber } from './subscriber.ts';

/** So many events wait for a reader, after which whoever completes them waits too. */
const MAX_WAITING = 16;
/** Those who share them with a faster reader do not wait for long. */
const MAX_QUEUED = 1_000;

/** A subscription as a stream that is read at the reader's pace. */
export async function streamOf(
  follow: (subscriber: Subscriber) => Promise<Following | FormattedExecutionResult>,
  signal: AbortSignal,
): Promise<ResultStream | FormattedExecutionResult> {
  let following: Following | null = null;
  const queue = new EventQueue({ maxQueued: MAX_QUEUED, signal, stop: () => following?.stop() });
  const outcome = await follow({
    next: ({ result }) => queue.push(result),
    busy: () => queue.whenBelow(MAX_WAITING),
    end(last) {
      if (last) queue.push(last);
      queue.end();
    },
  });
  if (!isFollowing(outcome)) return outcome;
  following = outcome;
  if (signal.aborted) following.stop();
  return queue.stream;
}
