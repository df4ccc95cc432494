import type { Em } from '#platform/database.ts';
import { refuseIfAny } from '#platform/errors.ts';
import { MAX_PAGE_SIZE } from '#platform/paging.ts';
import { checkRange } from '#platform/rules.ts';
import type { Viewer } from '#platform/viewer.ts';
import { findTopTracksOf } from '../data/chart.repository.ts';
import {
  findPlaySeries,
  findStepBegins,
  sumEngagements,
  sumRevenue,
  type Engagements,
} from '../data/insights.repository.ts';
import type { ChartEntry } from '../domain/chart.ts';
import { requireRange, widen, type InsightsRange, type Resolution } from '../domain/insights.ts';

export interface TimePoint {
  readonly at: Date;
  readonly value: number;
}

/** One artist's figures in a range that was widened to whole steps. Each is read when it is asked for. */
export interface Insights {
  readonly from: Date;
  readonly to: Date;
  plays(): Promise<TimePoint[]>;
  /** Read once, however many of its numbers are asked for. */
  engagements(): Promise<Engagements>;
  revenue(): Promise<{ amount: string; currency: string }[]>;
  topTracks(first: number): Promise<ChartEntry[]>;
}

/** Null for everyone but the artist and administrators. */
export async function openInsights(
  em: Em,
  viewer: Viewer | null,
  artistId: string,
  range: InsightsRange,
  resolution: Resolution,
): Promise<Insights | null> {
  if (viewer === null || (viewer.userId !== artistId && !viewer.roles.includes('ADMIN'))) return null;
  requireRange(range, resolution);
  const begins = await findStepBegins(em, range, resolution);
  return insightsWithin(em, artistId, widen(begins, range.from, range.to));
}

function insightsWithin(em: Em, artistId: string, boundaries: readonly Date[]): Insights {
  const from = boundaries.at(0)!;
  const to = boundaries.at(-1)!;
  const span = { artistId, from, to };
  let engagements: Promise<Engagements> | null = null;
  return {
    from,
    to,
    async plays() {
      const values = await findPlaySeries(em, artistId, boundaries);
      return values.map((value, index) => ({ at: boundaries[index]!, value }));
    },
    engagements: () => (engagements ??= sumEngagements(em, span)),
    revenue: () => sumRevenue(em, span),
    async topTracks(first) {
      requireFirst(first);
      return findTopTracksOf(em, artistId, from, to, first);
    },
  };
}

export function requireFirst(first: number): void {
  refuseIfAny(checkRange('first', first, 1, MAX_PAGE_SIZE));
}
