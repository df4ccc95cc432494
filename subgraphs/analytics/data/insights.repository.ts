import type { Em } from '#platform/database.ts';
import { textArray } from '#platform/text-array.ts';
import type { InsightsRange, Resolution } from '../domain/insights.ts';

export interface Span {
  readonly artistId: string;
  readonly from: Date;
  /** Not included. */
  readonly to: Date;
}

const spanOf = ({ artistId, from, to }: Span) => [artistId, from.toISOString(), to.toISOString()];

/** Begins of steps, ascending, reaching a step or two beyond the range on either side. PostgreSQL knows when the clocks change. */
export async function findStepBegins(
  em: Em,
  { from, to, timezone }: InsightsRange,
  resolution: Resolution,
): Promise<Date[]> {
  const rows = await em.execute<{ at: Date | string }[]>(
    resolution === 'HOUR' ? HOURS : calendarSteps(resolution),
    [timezone, timezone, from.toISOString(), to.toISOString()],
  );
  return rows.map(({ at }) => new Date(at));
}

// In instants: an hour that the clocks repeat is two steps, one that they skip is none.
const HOURS = `with zone as (select ?::text as name), given as (select ?::text, ?::timestamptz as begin, ?::timestamptz as finish)
  select at from zone, given, generate_series(
    date_trunc('hour', begin, zone.name) - interval '1 hour', finish + interval '2 hours', interval '1 hour') as at order by at`;

// In local time, then back to instants: a day at which the clocks change has 23 or 25 hours.
const calendarSteps = (resolution: Exclude<Resolution, 'HOUR'>) => `with given as (
    select ?::text as zone, ?::text, ?::timestamptz as begin, ?::timestamptz as finish)
  select local at time zone zone as at from given, generate_series(
    date_trunc('${resolution}', begin at time zone zone) - interval '1 ${resolution}',
    (finish at time zone zone) + interval '2 ${resolution}', interval '1 ${resolution}') as local order by at`;

/** Plays of the artist's tracks in each step; `boundaries` are the begins of the steps and the end of the last one, ascending. */
export async function findPlaySeries(
  em: Em,
  artistId: string,
  boundaries: readonly Date[],
): Promise<number[]> {
  const instants = boundaries.map((at) => at.toISOString());
  const rows = await em.execute<{ step: number; plays: number }[]>(
    `select width_bucket(q.at, ?::timestamptz[]) as step, sum(q.plays)::float8 as plays
     from play_quarter q join track t on t.id = q.track_id
     where t.artist_id = ? and q.at >= ?::timestamptz and q.at < ?::timestamptz group by 1`,
    [textArray(instants), artistId, instants[0], instants.at(-1)],
  );
  const plays = new Map(rows.map((row) => [row.step, row.plays]));
  return boundaries.slice(0, -1).map((_, index) => plays.get(index + 1) ?? 0);
}

export interface Engagements {
  readonly likes: number;
  readonly comments: number;
  readonly followers: number;
}

export async function sumEngagements(em: Em, span: Span): Promise<Engagements> {
  const [row] = await em.execute<Engagements[]>(
    `select coalesce(sum(delta) filter (where kind = 'LIKE'), 0)::int as likes,
       coalesce(sum(delta) filter (where kind = 'COMMENT'), 0)::int as comments,
       coalesce(sum(delta) filter (where kind = 'FOLLOW'), 0)::int as followers
     from engagement where artist_id = ? and at >= ?::timestamptz and at < ?::timestamptz`,
    spanOf(span),
  );
  return row ?? { likes: 0, comments: 0, followers: 0 };
}

export async function sumRevenue(em: Em, span: Span): Promise<{ amount: string; currency: string }[]> {
  return em.execute<{ amount: string; currency: string }[]>(
    `select sum(amount)::text as amount, currency from sale
     where seller_id = ? and paid_at >= ?::timestamptz and paid_at < ?::timestamptz and not refunded
     group by currency order by currency`,
    spanOf(span),
  );
}
