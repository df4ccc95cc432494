import type { Em } from '#platform/database.ts';
import type { IdType } from '#platform/ids.ts';
import { createListLoader } from '#platform/loader.ts';
import { parsePage, toConnection, type Connection, type Page, type PageArgs } from '#platform/paging.ts';
import { idKey } from '#platform/sort-keys.ts';
import { listLicencesOf } from '../data/licence.repository.ts';
import { listOrdersOf, listSalesOf } from '../data/order.repository.ts';
import { listProductsOf } from '../data/product.repository.ts';
import type { PageById } from '../data/rows.ts';

/** Lists that are ordered by id, newest first. */
export function createLists(em: Em, viewerId: string | null) {
  const productsOfSellers = createListLoader(
    (sellerIds, page: Page) => listProductsOf(em, 'sellerId', sellerIds, viewerId, page),
    ({ sellerId }) => sellerId,
  );
  const productsOfTracks = createListLoader(
    (trackIds, page: Page) => listProductsOf(em, 'trackId', trackIds, null, page),
    ({ trackId }) => trackId ?? '',
  );
  return {
    productsOfSeller: (sellerId: string, args: PageArgs) =>
      pageById('Product', args, (page) => productsOfSellers.load(sellerId, page)),
    productsOfTrack: (trackId: string, args: PageArgs) =>
      pageById('Product', args, (page) => productsOfTracks.load(trackId, page)),
    ordersOf: (buyerId: string, args: PageArgs) =>
      pageById('Order', args, (page) => listOrdersOf(em, buyerId, page)),
    salesOf: (sellerId: string, args: PageArgs) =>
      pageById('Order', args, (page) => listSalesOf(em, sellerId, page)),
    licencesOf: (holderId: string, args: PageArgs) =>
      pageById('Licence', args, (page) => listLicencesOf(em, holderId, page)),
  };
}

async function pageById<V extends { readonly id: string }>(
  type: IdType,
  args: PageArgs,
  list: (page: PageById) => Promise<readonly V[]>,
): Promise<Connection<V>> {
  const page = parsePage(args, { keys: [idKey(type)] });
  return toConnection(await list(page), page, ({ id }) => [id]);
}
