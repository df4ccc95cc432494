import type { Em } from '#platform/database.ts';
import type { LiveMetric } from '../domain/live-counter.ts';

// Each answers no row where the subject is not known or is kept from the public.
const VALUE: Readonly<Record<LiveMetric, string>> = {
  PLAYS: `select coalesce(s.value, 0)::float8 as value from track t left join subject_total s on s.subject_id = t.id
    where t.id = ? and not t.deleted and t.visibility <> 'PRIVATE' and ?::timestamptz is not null`,
  LISTENERS: `select case when r.ended then 0 else r.unlisted_listeners + (select count(*) from live_participant p where p.live_room_id = r.id and p.listening) end::float8 as value
    from live_room r where r.id = ? and ?::timestamptz is not null`,
  MESSAGES_PER_MINUTE: `select (select coalesce(sum(b.messages), 0) from message_bucket b
      where b.room_id = r.id and b.at > given.now - interval '1 minute')::float8 as value
    from room r cross join (select ?::text as id, ?::timestamptz as now) as given where r.id = given.id and r.visibility <> 'PRIVATE'`,
};

/** The number now; null where there is no such subject, or not for everyone. */
export async function readLiveCounter(
  em: Em,
  metric: LiveMetric,
  subjectId: string,
  now: Date,
): Promise<number | null> {
  const [row] = await em.execute<{ value: number }[]>(VALUE[metric], [subjectId, now.toISOString()]);
  return row?.value ?? null;
}
