import type { Em } from '#platform/database.ts';
import { refuseIfAny } from '#platform/errors.ts';
import { createLoader } from '#platform/loader.ts';
import { checkOptionalText } from '#platform/rules.ts';
import type { Viewer } from '#platform/viewer.ts';
import { findTopTracks } from '../data/chart.repository.ts';
import { findMessageCounts } from '../data/message.repository.ts';
import { findArtistPlays, findTrackPlays, type TrackPlays } from '../data/play.repository.ts';
import { findTotals } from '../data/totals.repository.ts';
import { dayBefore, type ChartEntry, type ChartPeriod } from '../domain/chart.ts';
import { requireFirst } from './insights.ts';

/** Numbers about other subgraphs' things. Its loaders batch and remember, so it must not outlive the operation. */
export interface Directory {
  /** Null where the viewer may not know: a deleted track, or somebody else's PRIVATE one. */
  trackPlays(trackId: string): Promise<TrackPlays | null>;
  /** 0 for a user without tracks. */
  artistPlays(userId: string): Promise<number>;
  /** Null for a room that is PRIVATE, or not known. */
  messageCount(roomId: string): Promise<number | null>;
  /** 0 for a product that was never sold. */
  unitsSold(productId: string): Promise<number>;
  topTracks(period: ChartPeriod, genre: string | null, first: number): Promise<ChartEntry[]>;
}

const MAX_GENRE_CHARS = 60;

export function createDirectory(em: Em, viewer: Viewer | null, now: Date): Directory {
  const trackPlays = createLoader((ids) => findTrackPlays(em, ids, dayBefore(now)), idOf);
  const artistPlays = createLoader((ids) => findArtistPlays(em, ids), idOf);
  const messageCounts = createLoader((ids) => findMessageCounts(em, ids, now), idOf);
  const totals = createLoader((ids) => findTotals(em, ids), idOf);
  return {
    async trackPlays(trackId) {
      const track = await trackPlays.load(trackId);
      return track && isVisible(track, viewer) ? track : null;
    },
    artistPlays: async (userId) => (await artistPlays.load(userId))?.value ?? 0,
    messageCount: async (roomId) => (await messageCounts.load(roomId))?.value ?? null,
    unitsSold: async (productId) => (await totals.load(productId))?.value ?? 0,
    async topTracks(period, genre, first) {
      requireFirst(first);
      refuseIfAny(checkOptionalText('genre', genre, { maxChars: MAX_GENRE_CHARS }));
      return findTopTracks(em, { period, genre, limit: first }, now);
    },
  };
}

const idOf = ({ id }: { readonly id: string }) => id;

function isVisible({ deleted, visibility, artistId }: TrackPlays, viewer: Viewer | null): boolean {
  if (deleted) return false;
  if (visibility !== 'PRIVATE') return true;
  return viewer !== null && (viewer.userId === artistId || viewer.roles.includes('ADMIN'));
}
