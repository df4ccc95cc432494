import type { Em } from '#platform/database.ts';
import type { StreamHead } from '#platform/events/event-log.ts';
import type { InboxChange, NotedChange } from '../domain/inbox-event.ts';

/** Notes what the room's log does not tell. Its events, and who comes and goes, are noted by the database. */
export async function noteMemberChange(em: Em, roomId: string, userId: string): Promise<void> {
  await em.execute('insert into room_change_pending (room_id, user_id) values (?, ?)', [roomId, userId]);
}

export async function hasPendingChanges(em: Em): Promise<boolean> {
  const rows = await em.execute<unknown[]>('select 1 from room_change_pending order by id limit 1');
  return rows.length > 0;
}

/**
 * The newest position. Locked until the transaction ends, so that positions become visible in their order; whoever waits for it must read what is
 * pending by a later statement.
 */
export async function lockLastPosition(em: Em): Promise<number> {
  const { position } = await em.execute<{ position: number }>(
    'select last_position::float8 as position from room_change_head for update',
    [],
    'get',
  );
  return position;
}

/** Takes the oldest pending changes away. The caller holds the lock of the newest position. */
export const takePendingChanges = (em: Em, limit: number): Promise<NotedChange[]> =>
  em.execute<NotedChange[]>(
    `with taken as (
       delete from room_change_pending where id in (select id from room_change_pending order by id limit ?)
       returning id, room_id, user_id
     ) select room_id as "roomId", user_id as "userId" from taken order by id`,
    [limit],
  );

/** Gives the changes, each of another room or person, the positions behind `lastPosition`. Those for all who are in a room that is gone lose theirs. */
export async function placeChanges(
  em: Em,
  changes: readonly NotedChange[],
  lastPosition: number,
): Promise<void> {
  const places = changes.map((change, index) => ({ ...change, position: lastPosition + 1 + index }));
  await em.execute(
    `with placed as (
       select * from jsonb_to_recordset(?::jsonb) as p("roomId" text, "userId" text, position bigint)
     ), of_rooms as (
       insert into room_change (room_id, position)
       select r.id, p.position from placed p join room r on r.id = p."roomId" where p."userId" is null
       on conflict (room_id) do update set position = excluded.position
     ), of_members as (
       insert into member_change (user_id, room_id, position)
       select "userId", "roomId", position from placed where "userId" is not null
       on conflict (user_id, room_id) do update set position = excluded.position
     ) update room_change_head set last_position = ?`,
    [JSON.stringify(places), lastPosition + changes.length],
  );
}

export const changesHead = (em: Em): Promise<StreamHead> =>
  em.execute<StreamHead>(
    `select epoch, last_position::float8 as "lastSeq", 1 as "oldestSeq" from room_change_head`,
    [],
    'get',
  );

/**
 * Rooms of the person that have changed behind `position`, each once at its newest change, in order; also those that were left. One walk along the
 * person's memberships: `offset 0` keeps the planner from reading the changes of all rooms where someone is in many.
 */
export const listChanges = (
  em: Em,
  userId: string,
  position: number,
  limit: number,
): Promise<InboxChange[]> =>
  em.execute<InboxChange[]>(
    `select room_id as "roomId", max(position)::float8 as position, bool_or(personal) as "isPersonal" from (
       select m.room_id, c.position, false as personal from room_member m cross join lateral (
         select position from room_change where room_id = m.room_id and position > ? offset 0) c
       where m.user_id = ?
       union all
       select room_id, position, true from member_change where user_id = ? and position > ?
     ) changes group by room_id order by max(position) limit ?`,
    [position, userId, userId, position, limit],
  );

export async function listRoomIdsOf(em: Em, userId: string): Promise<string[]> {
  const rows = await em.execute<{ roomId: string }[]>(
    'select room_id as "roomId" from room_member where user_id = ?',
    [userId],
  );
  return rows.map(({ roomId }) => roomId);
}
