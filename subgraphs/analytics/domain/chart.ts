export type ChartPeriod = 'DAY' | 'WEEK' | 'MONTH' | 'ALL';

export interface ChartEntry {
  readonly rank: number;
  readonly trackId: string;
  readonly plays: number;
}

const DAY_MS = 24 * 3_600_000;
/** Plays are summed up by quarters of an hour in UTC: every time zone's days begin at one of them. */
const QUARTER_MS = 15 * 60_000;

/** Begin of the quarter of an hour that lies 24 hours before `now`. */
export function dayBefore(now: Date): Date {
  return new Date(Math.floor(now.getTime() / QUARTER_MS) * QUARTER_MS - DAY_MS);
}

/** The first day of a period that ends today, in UTC: `2026-01-31`. */
export function firstDay(period: 'WEEK' | 'MONTH', now: Date): string {
  const days = period === 'WEEK' ? 6 : 29;
  return new Date(now.getTime() - days * DAY_MS).toISOString().slice(0, 10);
}
