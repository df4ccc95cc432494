import type { Em } from '#platform/database.ts';
import { textArray } from '#platform/text-array.ts';
import type { Listener } from '#schema/listening.ts';
import { VISIBLE_ROOM } from './live-room.repository.ts';

/** Which of them, by their place in the list, may listen to their room: it is LIVE, they may see it, are of its audience, and were neither banned nor blocked by its host. */
export async function findListeners(em: Em, listeners: readonly Listener[]): Promise<ReadonlySet<number>> {
  const rows = await em.execute<{ place: number }[]>(
    `select q.place::int from unnest(?::text[], ?::text[]) with ordinality q (room_id, user_id, place)
     join live_room r on r.id = q.room_id
     where r.state = 'LIVE' and (r.broadcast_audience = 'ANYONE' or q.user_id <> '') and ${VISIBLE_ROOM.replaceAll('?', 'q.user_id')}
       and not exists (select 1 from live_participant p
         where p.live_room_id = r.id and p.user_id = q.user_id and p.banned)
       and not exists (select 1 from user_block b where b.blocker_id = r.host_id and b.blocked_id = q.user_id)`,
    // Nobody has an id without letters.
    [
      textArray(listeners.map(({ liveRoomId }) => liveRoomId)),
      textArray(listeners.map(({ userId }) => userId ?? '')),
    ],
  );
  return new Set(rows.map(({ place }) => place - 1));
}
