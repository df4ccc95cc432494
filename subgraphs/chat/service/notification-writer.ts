import type { Transaction } from '#platform/events/unit-of-work.ts';
import { newId } from '#platform/ids.ts';
import { isAnyBlocked } from '../data/block.repository.ts';
import { listFollowers } from '../data/audience.repository.ts';
import { insertNotification } from '../data/notification.repository.ts';
import { notificationsOf, type News } from '../domain/notification.ts';

interface Deed {
  readonly actorId: string;
  /** When it was done, RFC 3339. */
  readonly at: string;
}

/**
 * Tells someone what somebody else did: the notification and its event, in the caller's transaction. Nobody is told what they did themselves, nor by
 * someone they have blocked or who has blocked them. Whoever tells several people goes by their ids, or two transactions could wait for each other.
 */
export async function notify(tx: Transaction, userId: string, deed: Deed, news: News): Promise<void> {
  const { actorId } = deed;
  if (userId === actorId || (await isAnyBlocked(tx.em, userId, [actorId]))) return;
  const id = newId('Notification');
  const { seq } = await tx.append({
    stream: notificationsOf(userId),
    name: 'notification.created',
    payload: { notificationId: id, userId, kind: news.kind },
    actorId,
  });
  const told = { id, userId, seq, actorId, at: new Date(deed.at), readAt: null };
  await insertNotification(tx.em, { ...told, ...news });
}

export interface LiveStart {
  readonly liveRoomId: string;
  readonly hostId: string;
  readonly chatRoomId: string | null;
  readonly startedAt: string;
}

/** Followers who are told in one transaction. */
const ANNOUNCED_AT_ONCE = 100;

/**
 * Tells the host's followers behind `afterUserId`. Where there may be more of them, an event says how far it has come, and its reaction goes on: a
 * crash loses nothing, and no transaction holds the logs of thousands.
 */
export async function announceLive(tx: Transaction, start: LiveStart, afterUserId: string): Promise<void> {
  const { liveRoomId, hostId, chatRoomId, startedAt } = start;
  const followers = await listFollowers(tx.em, hostId, chatRoomId, afterUserId, ANNOUNCED_AT_ONCE);
  const deed = { actorId: hostId, at: startedAt };
  for (const userId of followers) await notify(tx, userId, deed, { kind: 'LIVE_STARTED', liveRoomId });
  const upToUserId = followers.at(-1);
  if (upToUserId === undefined || followers.length < ANNOUNCED_AT_ONCE) return;
  await tx.append({
    stream: `live-announcement:${liveRoomId}`,
    name: 'liveRoom.startAnnounced',
    payload: { ...start, upToUserId },
    actorId: hostId,
  });
}
