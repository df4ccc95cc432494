import { z } from 'zod';
import type { Em } from '#platform/database.ts';
import { keyset } from '#platform/keyset.ts';
import type { Page } from '#platform/paging.ts';
import type { News, Notification, NotificationKind } from '../domain/notification.ts';
import { NotificationEntity } from './notification.entity.ts';

const id = z.string();
const news: z.ZodType<News> = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('FOLLOW') }),
  z.object({ kind: z.literal('TRACK_COMMENT'), trackId: id, commentId: id }),
  z.object({ kind: z.literal('SALE'), orderId: id, productIds: z.array(id) }),
  z.object({ kind: z.literal('LIVE_STARTED'), liveRoomId: id }),
  z.object({ kind: z.literal('DIRECT_MESSAGE'), roomId: id, messageId: id }),
]);

interface NotificationRow {
  readonly id: string;
  readonly userId: string;
  readonly seq: number;
  readonly kind: NotificationKind;
  readonly actorId: string;
  readonly subject: Record<string, unknown>;
  readonly at: string | Date;
  readonly readAt: string | Date | null;
}

const COLUMNS = `id, user_id as "userId", seq, kind, actor_id as "actorId", subject, at, read_at as "readAt"`;

/** Its event is appended in the same transaction, before, and gives it its `seq`. */
export async function insertNotification(em: Em, notification: Notification): Promise<void> {
  const { id, userId, seq, actorId, at, kind } = notification;
  const { kind: _, ...subject } = news.parse(notification);
  await em.execute(
    `insert into notification (id, user_id, seq, kind, actor_id, subject, at)
     values (?, ?, ?, ?, ?, ?::jsonb, ?)`,
    [id, userId, seq, kind, actorId, JSON.stringify(subject), at],
  );
}

/** Newest first. */
export async function listNotifications(
  em: Em,
  userId: string,
  unreadOnly: boolean,
  page: Page,
): Promise<Notification[]> {
  const { condition, order, parameters } = keyset(page, {
    columns: [{ name: 'seq', type: 'int' }],
    direction: 'desc',
  });
  const rows = await em.execute<NotificationRow[]>(
    `select ${COLUMNS} from notification where user_id = ? ${unreadOnly ? 'and read_at is null' : ''} ${condition}
     order by ${order} limit ?`,
    [userId, ...parameters, page.limit + 1],
  );
  return rows.map(toNotification);
}

/** Null for other people's. */
export async function findNotification(
  em: Em,
  userId: string,
  notificationId: string,
): Promise<Notification | null> {
  const [row] = await em.execute<NotificationRow[]>(
    `select ${COLUMNS} from notification where id = ? and user_id = ?`,
    [notificationId, userId],
  );
  return row ? toNotification(row) : null;
}

/** What is read already stays read as of then. */
export async function markRead(em: Em, userId: string, upToSeq: number, readAt: Date): Promise<void> {
  await em.nativeUpdate(NotificationEntity, { userId, seq: { $lte: upToSeq }, readAt: null }, { readAt });
}

/** Whether the person was told that this one follows them, and has not read it yet. */
export async function hasUnreadFollow(em: Em, userId: string, followerId: string): Promise<boolean> {
  const rows = await em.execute<unknown[]>(
    `select 1 from notification where user_id = ? and actor_id = ? and kind = 'FOLLOW' and read_at is null limit 1`,
    [userId, followerId],
  );
  return rows.length > 0;
}

const toNotification = ({ subject, kind, ...row }: NotificationRow): Notification => ({
  ...news.parse({ ...subject, kind }),
  ...row,
  at: new Date(row.at),
  readAt: row.readAt === null ? null : new Date(row.readAt),
});
