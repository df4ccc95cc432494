import { z } from 'zod';
import type { Database } from '#platform/database.ts';
import type { Poll } from '#platform/polling/poll.ts';
import type { Cursor } from './cursor.ts';
import { openMessage } from './envelope.ts';
import { head, read, type StreamHead } from './event-log.ts';
import type { TailItem } from './tail.ts';
import { resyncReason, TailWindow } from './tail-window.ts';

const position: z.ZodType<Cursor> = z.object({
  epoch: z.number().int().min(0),
  seq: z.number().int().min(0),
});

/** Where a polled subscription to a log stands: behind what the poll before told, else at `after`. */
export const polledCursor = (poll: Poll, after: Cursor | null): Cursor | null =>
  poll.recall(position) ?? after;

export interface TailPollOptions {
  readonly database: Pick<Database, 'fork'>;
  readonly stream: string;
  /** Where the first poll begins; null: behind the newest event. */
  readonly after: Cursor | null;
  readonly poll: Poll;
}

const READ_EVENTS = 100;

/**
 * What a tail gives up to the head of the log, and then the end. The log is the truth here too: of the messages that the poll brings those
 * count which the log says are there, and save reading it.
 */
export async function pollStream(options: TailPollOptions): Promise<AsyncGenerator<TailItem, void, void>> {
  const { database, stream, after, poll } = options;
  const messages = poll.messagesOn([stream]);
  const cursor = polledCursor(poll, after);
  const streamHead = await head(database.fork(), stream);
  const window = new TailWindow(cursor ?? placeOf(streamHead), READ_EVENTS);
  poll.keep(() => window.cursor);
  return items(options, window, streamHead, messages);
}

const placeOf = ({ epoch, lastSeq }: StreamHead): Cursor => ({ epoch, seq: lastSeq });

async function* items(
  { database, stream, poll }: TailPollOptions,
  window: TailWindow,
  streamHead: StreamHead,
  messages: readonly unknown[],
): AsyncGenerator<TailItem, void, void> {
  const reason = resyncReason(window.cursor, streamHead);
  if (reason !== null) {
    window.moveTo(placeOf(streamHead));
    yield { kind: 'resync', reason, cursor: window.cursor };
  }
  if (window.cursor.epoch === 0) window.adoptEpoch(streamHead.epoch);
  offer(window, streamHead, stream, messages);
  for (;;) {
    for (let event = window.take(); event; event = window.take())
      yield { kind: 'event', event, cursor: window.cursor };
    if (!window.behind) break;
    const { seq } = window.cursor;
    const events = await read(database.fork(), stream, { afterSeq: seq, limit: READ_EVENTS });
    const [first] = events;
    // The log is shorter than it was a moment ago: the next poll sees that, and says so.
    if (first?.seq !== seq + 1) break;
    for (const event of events) window.offer(event);
  }
  poll.idle();
}

function offer(
  window: TailWindow,
  { lastSeq }: StreamHead,
  stream: string,
  messages: readonly unknown[],
): void {
  for (const message of messages) {
    const event = openMessage(message);
    if (event?.stream === stream && event.seq <= lastSeq) window.offer(event);
  }
  window.hear(lastSeq);
}
