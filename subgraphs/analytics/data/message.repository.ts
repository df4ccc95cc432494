import type { Em } from '#platform/database.ts';
import type { PurgeRule } from '#platform/purge.ts';
import { textArray } from '#platform/text-array.ts';

/** Of rooms in which nobody writes any more. */
export const OLD_BUCKETS: PurgeRule = { table: 'message_bucket', keepMs: 25 * 3_600_000, where: 'r.at < ?' };

/** Messages are summed up by ten seconds; what is older than a day is dropped as new ones arrive. */
export async function countMessage(em: Em, roomId: string, at: string): Promise<void> {
  await em.execute(
    `insert into message_bucket as b (room_id, at, messages) values (?, date_bin('10 seconds', ?::timestamptz, 'epoch'), 1)
     on conflict (room_id, at) do update set messages = b.messages + 1`,
    [roomId, at],
    'run',
  );
  await em.execute(
    `delete from message_bucket where room_id = ? and at < ?::timestamptz - interval '25 hours'`,
    [roomId, at],
    'run',
  );
}

/** Messages of the last 24 hours in rooms that are not PRIVATE; other rooms are left out. */
export async function findMessageCounts(
  em: Em,
  roomIds: readonly string[],
  now: Date,
): Promise<{ id: string; value: number }[]> {
  return em.execute<{ id: string; value: number }[]>(
    `select r.id, coalesce(sum(b.messages), 0)::float8 as value from room r
     left join message_bucket b on b.room_id = r.id and b.at > ?::timestamptz - interval '24 hours'
     where r.id = any(?::text[]) and r.visibility <> 'PRIVATE' group by r.id`,
    [now.toISOString(), textArray(roomIds)],
  );
}
