import { z } from 'zod';
import type { Poll } from '#platform/polling/poll.ts';
import { MIN_PAUSE_MS, RECHECK_MS, type Counter } from './counter-feed.ts';

/** What a CounterFeed sends, poll by poll: the number with the first one, and then where it is another than was told. */
export async function pollCounter<E>(
  poll: Poll,
  topic: string,
  { read, toEvent, refusal, loss }: Counter<E>,
): Promise<AsyncIterableIterator<E>> {
  poll.messagesOn([topic]);
  poll.pace({ pauseMs: MIN_PAUSE_MS, againMs: RECHECK_MS });
  const told = poll.recall(z.number());
  const value = await read();
  if (value === null) throw poll.continues ? loss() : refusal();
  poll.keep(() => value);
  return poll.give(value === told ? [] : [toEvent(value)]);
}
