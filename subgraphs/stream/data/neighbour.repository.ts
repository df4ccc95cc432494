import type { Em } from '#platform/database.ts';

/** What this subgraph remembers of other subgraphs' events: who blocked whom, and who is in which chat room. */

export async function saveBlock(em: Em, blockerId: string, blockedId: string): Promise<void> {
  await em.execute('insert into user_block values (?, ?) on conflict do nothing', [blockerId, blockedId]);
}

export async function deleteBlock(em: Em, blockerId: string, blockedId: string): Promise<void> {
  await em.execute('delete from user_block where blocker_id = ? and blocked_id = ?', [blockerId, blockedId]);
}

export async function hasBlocked(em: Em, blockerId: string, blockedId: string): Promise<boolean> {
  const rows = await em.execute('select 1 from user_block where blocker_id = ? and blocked_id = ?', [
    blockerId,
    blockedId,
  ]);
  return rows.length > 0;
}

export async function saveChatRoom(em: Em, id: string, visibility: string): Promise<void> {
  await em.execute(
    'insert into chat_room values (?, ?) on conflict (id) do update set visibility = excluded.visibility',
    [id, visibility],
  );
}

export async function saveChatMember(em: Em, roomId: string, userId: string): Promise<void> {
  await em.execute('insert into chat_member values (?, ?) on conflict do nothing', [roomId, userId]);
}

export async function deleteChatMember(em: Em, roomId: string, userId: string): Promise<void> {
  await em.execute('delete from chat_member where room_id = ? and user_id = ?', [roomId, userId]);
}

export async function isChatMember(em: Em, roomId: string, userId: string): Promise<boolean> {
  const rows = await em.execute('select 1 from chat_member where room_id = ? and user_id = ?', [
    roomId,
    userId,
  ]);
  return rows.length > 0;
}
