import type { Em } from '#platform/database.ts';
import { pageOfEach } from '#platform/keyset.ts';
import type { Page } from '#platform/paging.ts';
import { textArray } from '#platform/text-array.ts';

/** One user in a list of relations, with the moment that orders it. */
export interface RelatedUser {
  /** Whose list it is. */
  readonly ownerId: string;
  readonly userId: string;
  readonly createdAt: Date;
}

/** A list of users: the table, whose list it is, and whom it lists. Closed, so the names below never come from a caller. */
const LISTS = {
  followers: { table: 'follow', owner: 'followed_id', listed: 'follower_id' },
  following: { table: 'follow', owner: 'follower_id', listed: 'followed_id' },
  blocked: { table: 'block', owner: 'blocker_id', listed: 'blocked_id' },
} as const;

export type RelationList = keyof typeof LISTS;

/** The same page of each owner's list, newest first; for a backward page, oldest first. */
export async function listRelated(
  em: Em,
  list: RelationList,
  ownerIds: readonly string[],
  page: Page,
): Promise<RelatedUser[]> {
  const { table, owner, listed } = LISTS[list];
  const { from, order, parameters } = pageOfEach(ownerIds, page, {
    table,
    owner,
    order: {
      columns: [
        { name: 'created_at', type: 'timestamptz' },
        { name: listed, type: 'text' },
      ],
      direction: 'desc',
    },
  });
  const rows = await em.execute<{ ownerId: string; userId: string; createdAt: Date | string }[]>(
    `select ${owner} as "ownerId", ${listed} as "userId", created_at as "createdAt" from ${from} order by ${order}`,
    parameters,
  );
  return rows.map((row) => ({ ...row, createdAt: new Date(row.createdAt) }));
}

/** Whom of `userIds` the viewer follows, and whom they blocked. */
export async function findViewerRelations(
  em: Em,
  viewerId: string,
  userIds: readonly string[],
): Promise<{ readonly userId: string; readonly follows: boolean; readonly blocked: boolean }[]> {
  const rows = (await em.execute(
    `select u.id as user_id,
       exists (select 1 from follow where follower_id = ? and followed_id = u.id) as follows,
       exists (select 1 from block where blocker_id = ? and blocked_id = u.id) as blocked
     from unnest(?::text[]) as u(id)`,
    [viewerId, viewerId, textArray(userIds)],
  )) as { user_id: string; follows: boolean; blocked: boolean }[];
  return rows.map(({ user_id: userId, follows, blocked }) => ({ userId, follows, blocked }));
}

export async function isBlockedEitherWay(em: Em, a: string, b: string): Promise<boolean> {
  const rows = await em.execute(
    'select 1 from block where (blocker_id = ? and blocked_id = ?) or (blocker_id = ? and blocked_id = ?) limit 1',
    [a, b, b, a],
  );
  return rows.length > 0;
}

/** False where it was so already. Counters move with the row, so they cannot drift. */
export async function insertFollow(
  em: Em,
  followerId: string,
  followedId: string,
  now: Date,
): Promise<boolean> {
  const rows = await em.execute(
    'insert into follow (follower_id, followed_id, created_at) values (?, ?, ?) on conflict do nothing returning 1',
    [followerId, followedId, now],
  );
  if (rows.length === 1) await countFollow(em, followerId, followedId, 1);
  return rows.length === 1;
}

/** False where there was none. */
export async function deleteFollow(em: Em, followerId: string, followedId: string): Promise<boolean> {
  const rows = await em.execute('delete from follow where follower_id = ? and followed_id = ? returning 1', [
    followerId,
    followedId,
  ]);
  if (rows.length === 1) await countFollow(em, followerId, followedId, -1);
  return rows.length === 1;
}

// In the order of ids: two people who follow each other at once would otherwise wait for each other for ever. NO KEY UPDATE, because each
// insert already holds a KEY SHARE lock on both rows for its foreign keys, which a plain FOR UPDATE of the other would wait for.
async function countFollow(em: Em, followerId: string, followedId: string, by: 1 | -1): Promise<void> {
  await em.execute('select 1 from account where id in (?, ?) order by id for no key update', [
    followerId,
    followedId,
  ]);
  await em.execute(
    `update account set following_count = following_count + case when id = ? then ? else 0 end,
       follower_count = follower_count + case when id = ? then ? else 0 end
     where id in (?, ?)`,
    [followerId, by, followedId, by, followerId, followedId],
  );
}

export async function insertBlock(em: Em, blockerId: string, blockedId: string, now: Date): Promise<boolean> {
  const rows = await em.execute(
    'insert into block (blocker_id, blocked_id, created_at) values (?, ?, ?) on conflict do nothing returning 1',
    [blockerId, blockedId, now],
  );
  return rows.length === 1;
}

export async function deleteBlock(em: Em, blockerId: string, blockedId: string): Promise<boolean> {
  const rows = await em.execute('delete from block where blocker_id = ? and blocked_id = ? returning 1', [
    blockerId,
    blockedId,
  ]);
  return rows.length === 1;
}
