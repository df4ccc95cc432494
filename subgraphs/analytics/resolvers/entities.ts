import { isId, type IdType } from '#platform/ids.ts';
import { openInsights } from '../service/insights.ts';
import type {
  ProductResolvers,
  RoomResolvers,
  TrackResolvers,
  UserResolvers,
} from '../generated/resolvers.ts';

// Whether the thing exists is its owner's to say. A malformed id is no thing at all, and must not reach a query.
const reference =
  (type: IdType) =>
  ({ id }: { readonly id: string }) =>
    isId(type, id) ? { id } : null;

export const User: UserResolvers = {
  __resolveReference: reference('User'),
  playCount: ({ id }, _args, { directory }) => directory.artistPlays(id),
  insights: ({ id }, { range, resolution }, { em, viewer }) =>
    openInsights(em, viewer, id, { ...range, timezone: range.timezone ?? 'UTC' }, resolution),
};

export const Track: TrackResolvers = {
  __resolveReference: reference('Track'),
  playCount: async ({ id }, _args, { directory }) => (await directory.trackPlays(id))?.total ?? null,
  plays24h: async ({ id }, _args, { directory }) => (await directory.trackPlays(id))?.recent ?? null,
};

export const Room: RoomResolvers = {
  __resolveReference: reference('Room'),
  messageCount24h: ({ id }, _args, { directory }) => directory.messageCount(id),
};

export const Product: ProductResolvers = {
  __resolveReference: reference('Product'),
  unitsSold: ({ id }, _args, { directory }) => directory.unitsSold(id),
};
