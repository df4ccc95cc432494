import { encodeCursor, decodeCursor } from '#platform/events/cursor.ts';
import type { Database } from '#platform/database.ts';
import { CodedError } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import { LiveStream } from '#platform/events/live-stream.ts';
import type { TailItem } from '#platform/events/tail.ts';
import { isId } from '#platform/ids.ts';
import type { Listening } from '#platform/polling/poll.ts';
import type { Viewer } from '#platform/viewer.ts';
import { findOrdersById } from '../data/order.repository.ts';
import type { OrderState } from '../domain/order.ts';

interface FeedPlace {
  readonly orderId: string;
  readonly cursor: string;
  readonly seq: number;
  readonly at: Date;
}

export interface StateChange extends FeedPlace {
  readonly __typename: 'OrderStateChanged';
  readonly from: OrderState | null;
  readonly to: OrderState;
  readonly reason: string | null;
}

export interface ResyncNotice extends FeedPlace {
  readonly __typename: 'OrderResyncRequired';
  readonly reason: 'WINDOW_EXPIRED' | 'EPOCH_CHANGED';
}

export type FeedEvent = StateChange | ResyncNotice;

export interface OrderFeed {
  /** Resolves once it is live. NOT_FOUND for everyone but the buyer. `after: null` starts now. Ended by `return()` or `signal`. */
  follow(
    viewer: Viewer,
    orderId: string,
    after: string | null,
    listening: Listening,
  ): Promise<AsyncIterableIterator<FeedEvent, void, void>>;
}

export interface OrderFeedDeps {
  readonly database: Database;
  readonly events: Events;
  readonly now: () => Date;
}

export function createOrderFeed({ database, events, now }: OrderFeedDeps): OrderFeed {
  return {
    async follow(viewer, orderId, after, listening) {
      const cursor = after === null ? null : decodeCursor(after);
      const [order] = isId('Order', orderId) ? await findOrdersById(database.fork(), [orderId]) : [];
      if (order?.buyerId !== viewer.userId) throw new CodedError('NOT_FOUND', 'There is no such order.');
      const source = await events.tail(`order:${orderId}`, cursor, listening);
      const step = (item: TailItem) => ({ emit: feedEvent(orderId, item, now()) });
      return new LiveStream({ source, step, signal: listening.signal });
    },
  };
}

function feedEvent(orderId: string, item: TailItem, now: Date): FeedEvent | undefined {
  const cursor = encodeCursor(item.cursor);
  const { seq } = item.cursor;
  if (item.kind === 'resync') {
    const { reason } = item;
    return { __typename: 'OrderResyncRequired', orderId, cursor, seq, at: now, reason };
  }
  const { event } = item;
  const change = { __typename: 'OrderStateChanged', orderId, cursor, seq, at: new Date(event.at) } as const;
  if (event.name === 'order.placed') return { ...change, from: null, to: 'PENDING_PAYMENT', reason: null };
  if (event.name !== 'order.stateChanged') return undefined;
  const { from, to, reason } = event.payload;
  return { ...change, from, to, reason };
}
