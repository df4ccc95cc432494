import { DateTime, Decimal, EventCursor, Json, Url } from '#platform/scalars.ts';
import type { Resolvers } from '../generated/resolvers.ts';
import { ArtistInsights, ChartEntry } from './ArtistInsights.ts';
import { Product, Room, Track, User } from './entities.ts';
import { Mutation } from './Mutation.ts';
import { Query, SearchResult } from './Query.ts';
import { Subscription } from './Subscription.ts';

export const resolvers: Resolvers = {
  Query,
  Mutation,
  Subscription,
  User,
  Track,
  Room,
  Product,
  SearchResult,
  ArtistInsights,
  ChartEntry,
  DateTime,
  Decimal,
  EventCursor,
  JSON: Json,
  URL: Url,
};
