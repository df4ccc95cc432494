import type { Em } from '#platform/database.ts';
import { createLoader } from '#platform/loader.ts';
import type { Viewer } from '#platform/viewer.ts';
import { findCartLines } from '../data/cart.repository.ts';
import { findOwnedTracks } from '../data/licence.repository.ts';
import type { Cart, PricedLine } from '../domain/cart.ts';
import type { Order, OrderRole } from '../domain/order.ts';
import { maySee, type Product } from '../domain/product.ts';
import { createLists } from './lists.ts';
import { createLoaders } from './loaders.ts';
import { readPricedLines } from './priced-lines.ts';

/** Reads of one operation: its loaders batch and remember, so it must not outlive the operation, nor a change within it. */
export type Directory = ReturnType<typeof createDirectory>;

export function createDirectory(em: Em, viewer: Viewer | null) {
  const viewerId = viewer?.userId ?? null;
  const loaders = createLoaders(em);
  const pricedLines = new Map<string, Promise<PricedLine[]>>();
  const ownedTracks = createLoader(
    (ids) => findOwnedTracks(em, viewerId ?? '', ids),
    (owned) => owned.trackId,
  );
  return {
    ...loaders,
    ...createLists(em, viewerId),
    /** The product, or null where the viewer may not see it. */
    visible: (product: Product | null) => (product && maySee(product, viewerId) ? product : null),
    /** The lines of a cart with what they ask for; read once in an operation. */
    pricedLinesOf(cart: Cart): Promise<PricedLine[]> {
      const known = pricedLines.get(cart.id) ?? readLines(em, cart);
      pricedLines.set(cart.id, known);
      return known;
    },
    /** How the viewer stands to an order; null where they may not see it. */
    async roleIn(order: Order): Promise<OrderRole | null> {
      if (viewer === null) return null;
      if (order.buyerId === viewer.userId) return 'BUYER';
      const lines = await loaders.linesByOrder.load(order.id);
      if (lines.some(({ sellerId }) => sellerId === viewer.userId)) return 'SELLER';
      return viewer.roles.includes('ADMIN') ? 'ADMIN' : null;
    },
    ownsTrack: async (trackId: string) => viewerId !== null && (await ownedTracks.load(trackId)) !== null,
  };
}

async function readLines(em: Em, { id, ownerId }: Cart): Promise<PricedLine[]> {
  return readPricedLines(em, ownerId, await findCartLines(em, [id]));
}
