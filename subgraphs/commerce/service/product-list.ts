import type { Em } from '#platform/database.ts';
import { invalid, Refusal } from '#platform/errors.ts';
import { parsePage, toConnection, type Connection, type PageArgs } from '#platform/paging.ts';
import { idKey, instantKey, minorUnitsKey } from '#platform/sort-keys.ts';
import {
  listProducts,
  sortKeyOf,
  type ProductQuery,
  type ProductSort,
} from '../data/product-list.repository.ts';
import { DEFAULT_CURRENCY, requireAmount, requireCurrency } from '../domain/money.ts';
import type { Product, ProductKind } from '../domain/product.ts';

export interface ProductFilter {
  readonly kind?: ProductKind | null;
  readonly currency?: string | null;
  readonly minPrice?: string | null;
  readonly maxPrice?: string | null;
}

/** A page of products on sale. Refuses bounds that are no prices, and cursors of lists in another order. */
export async function pageOfProducts(
  em: Em,
  filter: ProductFilter,
  sort: ProductSort,
  args: PageArgs,
): Promise<Connection<Product>> {
  const query = queryOf(filter, sort);
  const keys = [sort === 'NEWEST' ? instantKey : minorUnitsKey, idKey('Product')] as const;
  const page = parsePage(args, { keys });
  return toConnection(await listProducts(em, query, page), page, (product) => sortKeyOf(sort, product));
}

function queryOf(
  { kind, currency: text, minPrice, maxPrice }: ProductFilter,
  sort: ProductSort,
): ProductQuery {
  const currency = text == null ? null : requireCurrency('filter.currency', text);
  const byPrice = sort !== 'NEWEST' || minPrice != null || maxPrice != null;
  const priced = currency ?? DEFAULT_CURRENCY;
  const minPriceMinor = minPrice == null ? null : requireAmount('filter.minPrice', minPrice, priced);
  const maxPriceMinor = maxPrice == null ? null : requireAmount('filter.maxPrice', maxPrice, priced);
  if (minPriceMinor !== null && maxPriceMinor !== null && minPriceMinor > maxPriceMinor)
    throw new Refusal(invalid('filter.maxPrice', 'OUT_OF_RANGE', 'maxPrice is below minPrice.'));
  return { kind: kind ?? null, currency: byPrice ? priced : currency, minPriceMinor, maxPriceMinor, sort };
}
