import type { FilterQuery } from '@mikro-orm/core';
import type { Em } from '#platform/database.ts';
import type { Page } from '#platform/paging.ts';
import type { Currency } from '../domain/money.ts';
import type { Product, ProductKind } from '../domain/product.ts';
import { ProductEntity, type ProductRow } from './catalogue.entity.ts';
import { toProduct } from './product.repository.ts';
import { FRESH } from './rows.ts';

export type ProductSort = 'NEWEST' | 'PRICE_ASC' | 'PRICE_DESC';

export interface ProductQuery {
  readonly kind: ProductKind | null;
  readonly currency: Currency | null;
  /** Bounds of the cheapest variant's price, both allowed. */
  readonly minPriceMinor: bigint | null;
  readonly maxPriceMinor: bigint | null;
  readonly sort: ProductSort;
}

/** What a list is ordered by, and in which direction it reads forward. The id decides between equals. */
const ORDERS = {
  NEWEST: { key: 'publishedAt', forward: 'desc' },
  PRICE_ASC: { key: 'minPriceMinor', forward: 'asc' },
  PRICE_DESC: { key: 'minPriceMinor', forward: 'desc' },
} as const;

/** Products on sale, in the order of `query.sort`; a backward page is read from its other end. */
export async function listProducts(em: Em, query: ProductQuery, page: Page<ProductKey>): Promise<Product[]> {
  const { key, forward } = ORDERS[query.sort];
  const ascending = (forward === 'asc') === (page.direction === 'forward');
  const order = ascending ? 'asc' : 'desc';
  const rows = await em.find(
    ProductEntity,
    { $and: [conditionsOf(query), behindCursor(key, ascending, page)] },
    { ...FRESH, orderBy: [{ [key]: order }, { id: order }], limit: page.limit + 1 },
  );
  return rows.map(toProduct);
}

/** Publication as an RFC 3339 text, or the lowest price in minor units; then the id. */
export type ProductKey = readonly [key: string, id: string];

/** Sort key of a product in a list, for cursors. */
export function sortKeyOf(sort: ProductSort, product: Product): ProductKey {
  const key = sort === 'NEWEST' ? product.publishedAt!.toISOString() : String(product.minPriceMinor);
  return [key, product.id];
}

function conditionsOf({ kind, currency, minPriceMinor, maxPriceMinor }: ProductQuery) {
  const conditions: FilterQuery<ProductRow>[] = [{ state: 'PUBLISHED' }];
  if (kind !== null) conditions.push({ kind });
  if (currency !== null) conditions.push({ currency });
  if (minPriceMinor !== null) conditions.push({ minPriceMinor: { $gte: minPriceMinor } });
  if (maxPriceMinor !== null) conditions.push({ minPriceMinor: { $lte: maxPriceMinor } });
  return { $and: conditions };
}

function behindCursor(
  key: 'publishedAt' | 'minPriceMinor',
  ascending: boolean,
  { cursor }: Page<ProductKey>,
): FilterQuery<ProductRow> {
  if (cursor === null) return {};
  const comparison = ascending ? '$gt' : '$lt';
  const value = key === 'publishedAt' ? new Date(cursor[0]) : BigInt(cursor[0]);
  return {
    $or: [{ [key]: { [comparison]: value } }, { [key]: value, id: { [comparison]: cursor[1] } }],
  };
}
