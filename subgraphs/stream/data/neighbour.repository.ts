import type { Em } from '#platform/database.ts';

/** What this subgraph remembers of other subgraphs' events: who blocked whom, who is in which chat room, and what people are called. */

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

export interface Person {
  readonly userId: string;
  readonly handle: string;
  readonly displayName: string;
  /** Of the event that told it: an older one that comes later changes nothing. */
  readonly seq: number;
}

export async function savePerson(em: Em, { userId, handle, displayName, seq }: Person): Promise<void> {
  await em.execute(
    `insert into person (user_id, handle, display_name, seq) values (?, ?, ?, ?)
     on conflict (user_id) do update set handle = excluded.handle, display_name = excluded.display_name, seq = excluded.seq
     where person.seq < excluded.seq`,
    [userId, handle, displayName, seq],
  );
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
