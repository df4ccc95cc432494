import type { ArtistInsightsResolvers, ChartEntryResolvers } from '../generated/resolvers.ts';

export const ArtistInsights: ArtistInsightsResolvers = {
  plays: (insights) => insights.plays(),
  likes: async (insights) => (await insights.engagements()).likes,
  comments: async (insights) => (await insights.engagements()).comments,
  followersGained: async (insights) => (await insights.engagements()).followers,
  revenue: (insights) => insights.revenue(),
  topTracks: (insights, { first }) => insights.topTracks(first),
};

export const ChartEntry: ChartEntryResolvers = {
  track: ({ trackId }) => ({ id: trackId }),
};
