import { isId } from '#platform/ids.ts';
import type { UserResolvers, ViewerResolvers } from '../generated/resolvers.ts';

export const User: UserResolvers = {
  __resolveReference: ({ id }) => (isId('User', id) ? { id } : null),
  products: ({ id }, args, { directory }) => directory.productsOfSeller(id, args),
};

export const Viewer: ViewerResolvers = {
  // Another subgraph may hand an account's id over; only its owner gets what belongs to it.
  __resolveReference: ({ id }, { viewer }) => (viewer?.userId === id ? { id } : null),
  cart: ({ id }, _args, { directory }) => directory.openCarts.load(id),
  orders: ({ id }, args, { directory }) => directory.ordersOf(id, args),
  sales: ({ id }, args, { directory }) => directory.salesOf(id, args),
  licences: ({ id }, args, { directory }) => directory.licencesOf(id, args),
};
