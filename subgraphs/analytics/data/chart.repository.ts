import type { Em } from '#platform/database.ts';
import { dayBefore, firstDay, type ChartEntry, type ChartPeriod } from '../domain/chart.ts';

export interface ChartQuery {
  readonly period: ChartPeriod;
  readonly genre: string | null;
  readonly limit: number;
}

const ENTRIES = `select t.id as "trackId", c.plays::float8 as plays, (rank() over (order by c.plays desc))::int as rank
  from counted c join track t on t.id = c.track_id where not t.deleted`;
const IN_ORDER = 'order by c.plays desc, t.id limit ?';

export async function findTopTracks(em: Em, query: ChartQuery, now: Date): Promise<ChartEntry[]> {
  const { sql, params } = countedPlays(query.period, now);
  return em.execute<ChartEntry[]>(
    `with counted as (${sql}) ${ENTRIES} and t.visibility = 'PUBLIC' and (?::text is null or t.genre = ?) ${IN_ORDER}`,
    [...params, query.genre, query.genre, query.limit],
  );
}

function countedPlays(period: ChartPeriod, now: Date): { sql: string; params: string[] } {
  if (period === 'ALL')
    return { sql: 'select subject_id as track_id, value as plays from subject_total', params: [] };
  const since = period === 'DAY' ? dayBefore(now).toISOString() : firstDay(period, now);
  const source = period === 'DAY' ? 'play_quarter where at >= ?' : 'play_day where day >= ?';
  return { sql: `select track_id, sum(plays) as plays from ${source} group by track_id`, params: [since] };
}

/** The most played tracks of one artist from `from` on, up to before `to`; both are begins of a quarter of an hour. */
export async function findTopTracksOf(
  em: Em,
  artistId: string,
  from: Date,
  to: Date,
  limit: number,
): Promise<ChartEntry[]> {
  return em.execute<ChartEntry[]>(
    `with counted as (
       select q.track_id, sum(q.plays) as plays from play_quarter q join track a on a.id = q.track_id
       where a.artist_id = ? and q.at >= ?::timestamptz and q.at < ?::timestamptz group by q.track_id
     ) ${ENTRIES} ${IN_ORDER}`,
    [artistId, from.toISOString(), to.toISOString(), limit],
  );
}
