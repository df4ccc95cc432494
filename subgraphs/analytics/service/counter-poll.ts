import { z } from 'zod';
import { endedStream } from '#platform/events/live-stream.ts';
import type { Poll } from '#platform/polling/poll.ts';
import { MIN_PAUSE_MS, RECHECK_MS, type Counter } from './counter-feed.ts';

/** What a CounterFeed sends, poll by poll: the number with the first one, and then where it is another than was told. */
export async function pollCounter<E>(
  poll: Poll,
  topic: string,
  { read, toEvent, refusal }: Counter<E>,
): Promise<AsyncIterableIterator<E>> {
  const isHinted = poll.messagesOn([topic]).length > 0;
  // A hint may overtake the commit that it announces, so after the poll that follows a hint comes one more.
  poll.pace({ pauseMs: MIN_PAUSE_MS, againMs: isHinted ? MIN_PAUSE_MS : RECHECK_MS });
  const told = poll.recall(z.number());
  const value = await read();
  if (value === null && poll.continues) return endedStream(poll);
  if (value === null) throw refusal();
  poll.keep(() => value);
  return poll.give(value === told ? [] : [toEvent(value)]);
}
