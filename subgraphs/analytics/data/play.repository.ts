import type { Em } from '#platform/database.ts';
import { textArray } from '#platform/text-array.ts';
import type { Play } from '../domain/play.ts';
import type { Visibility } from './subject.entity.ts';

// One statement, so the sums move with the rows: the key decides what is new, and only that is summed up. Everything is written in the order of
// its key, so that two batches with the same tracks wait for each other instead of deadlocking.
const INSERT = `with inserted as (
    insert into play (caller, client_event_id, track_id, listener_id, played_at, ms_played, received_at)
    select caller, "clientEventId", "trackId", "listenerId", "playedAt", "msPlayed", ?::timestamptz
    from jsonb_to_recordset(?::jsonb) as given(caller text, "clientEventId" text, "trackId" text, "listenerId" text,
      "playedAt" timestamptz, "msPlayed" int)
    order by caller, "clientEventId"
    on conflict (caller, client_event_id) do nothing
    returning track_id, played_at
  ), quarters as (
    insert into play_quarter as q (track_id, at, plays)
    select track_id, date_bin('15 minutes', played_at, 'epoch'), count(*) from inserted group by 1, 2 order by 1, 2
    on conflict (track_id, at) do update set plays = q.plays + excluded.plays
  ), days as (
    insert into play_day as d (track_id, day, plays)
    select track_id, (played_at at time zone 'UTC')::date, count(*) from inserted group by 1, 2 order by 1, 2
    on conflict (track_id, day) do update set plays = d.plays + excluded.plays
  ), totals as (
    insert into subject_total as t (subject_id, value)
    select track_id, count(*) from inserted group by 1 order by 1
    on conflict (subject_id) do update set value = t.value + excluded.value
  ) select track_id from inserted`;

/** Counts those plays that were not counted before; returns the track of each of them. */
export async function insertPlays(em: Em, plays: readonly Play[], receivedAt: Date): Promise<string[]> {
  if (plays.length === 0) return [];
  const rows = await em.execute<{ track_id: string }[]>(INSERT, [
    receivedAt.toISOString(),
    JSON.stringify(plays),
  ]);
  return rows.map((row) => row.track_id);
}

export async function hasPlays(em: Em): Promise<boolean> {
  return (await em.execute('select 1 from play limit 1')).length > 0;
}

/** What is known of a track's plays; `artistId` and `visibility` are null for a track that is not known yet. */
export interface TrackPlays {
  readonly id: string;
  readonly total: number;
  readonly recent: number;
  readonly artistId: string | null;
  readonly visibility: Visibility | null;
  readonly deleted: boolean;
}

/** `recent` counts from `since` on, which is the begin of a quarter of an hour. */
export async function findTrackPlays(em: Em, ids: readonly string[], since: Date): Promise<TrackPlays[]> {
  return em.execute<TrackPlays[]>(
    `select ids.id, coalesce(s.value, 0)::float8 as total, t.artist_id as "artistId", t.visibility, coalesce(t.deleted, false) as deleted,
       coalesce((select sum(q.plays) from play_quarter q where q.track_id = ids.id and q.at >= ?::timestamptz), 0)::float8 as recent
     from unnest(?::text[]) as ids(id) left join subject_total s on s.subject_id = ids.id left join track t on t.id = ids.id`,
    [since.toISOString(), textArray(ids)],
  );
}

/** Plays of each artist's tracks that others may see. An artist without any is left out. */
export async function findArtistPlays(
  em: Em,
  artistIds: readonly string[],
): Promise<{ id: string; value: number }[]> {
  return em.execute<{ id: string; value: number }[]>(
    `select t.artist_id as id, sum(s.value)::float8 as value from track t join subject_total s on s.subject_id = t.id
     where t.artist_id = any(?::text[]) and not t.deleted and t.visibility <> 'PRIVATE' group by t.artist_id`,
    [textArray(artistIds)],
  );
}
