import type { Database } from '#platform/database.ts';
import { notFound, Refusal } from '#platform/errors.ts';
import { decodeCursor, encodeCursor } from '#platform/events/cursor.ts';
import type { Events } from '#platform/events/events.ts';
import { LiveStream } from '#platform/events/live-stream.ts';
import type { TailItem } from '#platform/events/tail.ts';
import { isId } from '#platform/ids.ts';
import { parsePage, toConnection, type Connection, type PageArgs } from '#platform/paging.ts';
import type { Listening } from '#platform/polling/poll.ts';
import { intKey } from '#platform/sort-keys.ts';
import type { Viewer } from '#platform/viewer.ts';
import { findNotification, listNotifications, markRead } from '../data/notification.repository.ts';
import { notificationsOf, type Notification, type NotificationEvent } from '../domain/notification.ts';

export interface NotificationList extends Connection<Notification> {
  /** Opaque position of the log, no newer than the list. */
  readonly eventCursor: string;
}

/** What people are told. Each sees their own alone. */
export interface Notifications {
  /** Newest first. */
  list(userId: string, unreadOnly: boolean, args: PageArgs): Promise<NotificationList>;
  /** Null for other people's. */
  find(userId: string, id: string): Promise<Notification | null>;
  /** Marks this one and all older ones as read, and answers with it. */
  markRead(viewer: Viewer, upToId: string): Promise<Notification>;
  /** Resolves once it is live. `after: null` starts now. The right to it is never lost: it is one's own log. */
  follow(
    viewer: Viewer,
    after: string | null,
    listening: Listening,
  ): Promise<AsyncIterableIterator<NotificationEvent, void, void>>;
}

export interface NotificationsDeps {
  readonly database: Database;
  readonly events: Events;
  readonly now: () => Date;
}

export function createNotifications({ database, events, now }: NotificationsDeps): Notifications {
  const step = (item: TailItem) => ({ emit: toNotificationEvent(item, now()) });
  return {
    async list(userId, unreadOnly, args) {
      const page = parsePage(args, { keys: [intKey] });
      // Read before the list, so that following behind it misses nothing.
      const { epoch, lastSeq } = await events.head(notificationsOf(userId));
      const rows = await listNotifications(database.fork(), userId, unreadOnly, page);
      const eventCursor = encodeCursor({ epoch, seq: lastSeq });
      return { ...toConnection(rows, page, ({ seq }) => [seq]), eventCursor };
    },

    find: (userId, id) => findNotification(database.fork(), userId, id),

    markRead: ({ userId }, upToId) =>
      events.transact(async ({ em }) => {
        const newest = isId('Notification', upToId) ? await findNotification(em, userId, upToId) : null;
        if (!newest) throw new Refusal(notFound('upToId', upToId, 'You have no such notification.'));
        const readAt = now();
        await markRead(em, userId, newest.seq, readAt);
        return { ...newest, readAt: newest.readAt ?? readAt };
      }),

    async follow({ userId }, after, listening) {
      const cursor = after === null ? null : decodeCursor(after);
      const source = await events.tail(notificationsOf(userId), cursor, listening);
      return new LiveStream({ source, step, signal: listening.signal });
    },
  };
}

function toNotificationEvent(item: TailItem, now: Date): NotificationEvent | undefined {
  const cursor = encodeCursor(item.cursor);
  const { seq } = item.cursor;
  if (item.kind === 'resync')
    return { __typename: 'NotificationResyncRequired', cursor, seq, at: now, reason: item.reason };
  const { event } = item;
  if (event.name !== 'notification.created') return undefined;
  const { notificationId } = event.payload;
  return { __typename: 'NotificationCreated', cursor, seq, at: new Date(event.at), notificationId };
}
