import type { Em } from '#platform/database.ts';
import { textArray } from '#platform/text-array.ts';
import { Block } from './presence.entity.ts';

export async function insertBlock(em: Em, blockerId: string, blockedId: string): Promise<void> {
  await em.execute('insert into block (blocker_id, blocked_id) values (?, ?) on conflict do nothing', [
    blockerId,
    blockedId,
  ]);
}

export async function deleteBlock(em: Em, blockerId: string, blockedId: string): Promise<void> {
  await em.nativeDelete(Block, { blockerId, blockedId });
}

/** Whether a block, of either side, stands between `userId` and any of `otherIds`. */
export async function isAnyBlocked(em: Em, userId: string, otherIds: readonly string[]): Promise<boolean> {
  const others = textArray(otherIds);
  const rows = await em.execute<unknown[]>(
    `select 1 from block where (blocker_id = ? and blocked_id = any(?::text[]))
       or (blocked_id = ? and blocker_id = any(?::text[])) limit 1`,
    [userId, others, userId, others],
  );
  return rows.length > 0;
}
