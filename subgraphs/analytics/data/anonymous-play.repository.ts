import type { Em } from '#platform/database.ts';
import type { PurgeRule } from '#platform/purge.ts';
import { ANONYMOUS_PLAY_GAP_MS, type Play } from '../domain/play.ts';

export const OLD_ANONYMOUS_PLAYS: PurgeRule = {
  table: 'anonymous_play',
  keepMs: ANONYMOUS_PLAY_GAP_MS,
  where: 'r.counted_at < ?',
};

// A play that is sent again must not use up the turn of a new one. Of those that come at once from the same source, the second one waits for the
// row of the first, and finds it taken. In the order of the key, so that two batches wait for each other instead of deadlocking.
const CLAIM = `with given as (
    select * from jsonb_to_recordset(?::jsonb) as g(place int, caller text, "clientEventId" text, "trackId" text)
  ), fresh as (
    select distinct on (g."trackId") g.place, g."trackId" from given g
    where not exists (select from play p where p.caller = g.caller and p.client_event_id = g."clientEventId")
    order by g."trackId", g.place
  ), claimed as (
    insert into anonymous_play as a (source, track_id, counted_at)
    select ?, "trackId", ?::timestamptz from fresh order by "trackId"
    on conflict (source, track_id) do update set counted_at = excluded.counted_at
    where a.counted_at <= excluded.counted_at - ? * interval '1 millisecond'
    returning track_id
  ) select f.place from fresh f join claimed c on c.track_id = f."trackId"`;

/** Those of the plays, of one caller, that count: one of each track, if none from this source was counted of late. They are taken to be counted then. */
export async function claimAnonymousPlays(
  em: Em,
  plays: readonly Play[],
  source: string,
  now: Date,
): Promise<Play[]> {
  if (plays.length === 0) return [];
  const given = JSON.stringify(plays.map((play, place) => ({ ...play, place })));
  const rows = await em.execute<{ place: number }[]>(CLAIM, [
    given,
    source,
    now.toISOString(),
    ANONYMOUS_PLAY_GAP_MS,
  ]);
  const places = new Set(rows.map(({ place }) => place));
  return plays.filter((_, place) => places.has(place));
}
