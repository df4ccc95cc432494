import { isId } from '#platform/ids.ts';
import type { TrackResolvers } from '../generated/resolvers.ts';

export const Track: TrackResolvers = {
  __resolveReference: ({ id }) => (isId('Track', id) ? { id } : null),
  products: ({ id }, args, { directory }) => directory.productsOfTrack(id, args),
  viewerOwns: ({ id }, _args, { directory }) => directory.ownsTrack(id),
};
