import type { Em } from '#platform/database.ts';
import { Follow } from './notification.entity.ts';

export async function insertFollow(em: Em, followerId: string, followedId: string): Promise<void> {
  await em.execute('insert into follow (follower_id, followed_id) values (?, ?) on conflict do nothing', [
    followerId,
    followedId,
  ]);
}

export async function deleteFollow(em: Em, followerId: string, followedId: string): Promise<void> {
  await em.nativeDelete(Follow, { followerId, followedId });
}

/** The other person of a direct room; null for other rooms. */
export async function findDirectPartner(em: Em, roomId: string, userId: string): Promise<string | null> {
  const [row] = await em.execute<{ partnerId: string }[]>(
    `select case direct_low_id when ? then direct_high_id else direct_low_id end as "partnerId"
     from room where id = ? and kind = 'DIRECT'`,
    [userId, roomId],
  );
  return row?.partnerId ?? null;
}

/** Followers behind `afterUserId`, in the order of their ids, who may know of what happens in the chat room: where there is none, all. */
export async function listFollowers(
  em: Em,
  followedId: string,
  chatRoomId: string | null,
  afterUserId: string,
  limit: number,
): Promise<string[]> {
  const rows = await em.execute<{ followerId: string }[]>(
    `select f.follower_id as "followerId" from follow f where f.followed_id = ? and f.follower_id > ?
     and (?::text is null
       or exists (select 1 from room where id = ? and visibility = 'PUBLIC')
       or exists (select 1 from room_member where room_id = ? and user_id = f.follower_id))
     order by f.follower_id limit ?`,
    [followedId, afterUserId, chatRoomId, chatRoomId, chatRoomId, limit],
  );
  return rows.map(({ followerId }) => followerId);
}
