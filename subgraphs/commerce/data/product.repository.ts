import { LockMode, raw } from '@mikro-orm/core';
import type { Em } from '#platform/database.ts';
import { pageOfEach } from '#platform/keyset.ts';
import type { Page } from '#platform/paging.ts';
import { textArray } from '#platform/text-array.ts';
import type { Product, Variant } from '../domain/product.ts';
import {
  ProductEntity,
  TrackEntity,
  VariantEntity,
  type ProductRow,
  type VariantRow,
} from './catalogue.entity.ts';
import { FRESH, newestFirst } from './rows.ts';

export async function findProductsById(em: Em, ids: readonly string[]): Promise<Product[]> {
  return (await em.find(ProductEntity, { id: { $in: [...ids] } }, FRESH)).map(toProduct);
}

export async function findProductsBySlug(em: Em, slugs: readonly string[]): Promise<Product[]> {
  return (await em.find(ProductEntity, { slug: { $in: [...slugs] } }, FRESH)).map(toProduct);
}

/** The product, locked until the transaction ends. */
export async function lockProduct(em: Em, id: string): Promise<Product | null> {
  const lock = { ...FRESH, lockMode: LockMode.PESSIMISTIC_WRITE };
  const row = await em.findOne(ProductEntity, { id }, lock);
  return row && toProduct(row);
}

/** Products in the order of their ids, kept from changing until the transaction ends; orders of others may still read them. */
export async function shareProducts(em: Em, ids: readonly string[]): Promise<Product[]> {
  const lock = { ...FRESH, lockMode: LockMode.PESSIMISTIC_READ, orderBy: { id: 'asc' } } as const;
  return (await em.find(ProductEntity, { id: { $in: [...ids] } }, lock)).map(toProduct);
}

/** Those made of the track that are not archived, locked in the order of their ids. */
export async function lockProductsOfTrack(em: Em, trackId: string): Promise<Product[]> {
  const lock = { ...FRESH, lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } } as const;
  const rows = await em.find(ProductEntity, { trackId, state: { $ne: 'ARCHIVED' } }, lock);
  return rows.map(toProduct);
}

export async function insertProduct(em: Em, product: Product): Promise<void> {
  await em.insert(ProductEntity, product);
}

export async function saveProduct(em: Em, { id, ...product }: Product): Promise<void> {
  await em.nativeUpdate(ProductEntity, { id }, product);
}

/** The same page of what each seller offers, or of what is made of each track, newest first; `viewerId` sees more of their own than what is on sale. */
export async function listProductsOf(
  em: Em,
  owner: 'sellerId' | 'trackId',
  ownerIds: readonly string[],
  viewerId: string | null,
  page: Page,
): Promise<Product[]> {
  const { from, parameters } = pageOfEach(ownerIds, page, {
    table: 'product',
    owner: owner === 'sellerId' ? 'seller_id' : 'track_id',
    where: `(state = 'PUBLISHED' or seller_id = ?)`,
    whereParameters: [viewerId ?? ''],
    order: { columns: [{ name: 'id', type: 'text' }], direction: 'desc' },
  });
  const ids = raw<string[]>(`select id from ${from}`, parameters);
  const options = { ...FRESH, ...newestFirst(page.direction) };
  return (await em.find(ProductEntity, { id: { $in: ids } }, options)).map(toProduct);
}

export async function findVariantsById(em: Em, ids: readonly string[]): Promise<Variant[]> {
  return (await em.find(VariantEntity, { id: { $in: [...ids] } }, FRESH)).map(toVariant);
}

/** In the sellers' order. */
export async function findVariantsOf(em: Em, productIds: readonly string[]): Promise<Variant[]> {
  const options = { ...FRESH, orderBy: { productId: 'asc', position: 'asc' } } as const;
  const rows = await em.find(VariantEntity, { productId: { $in: [...productIds] } }, options);
  return rows.map(toVariant);
}

/** Locked in the order of their ids, so that two orders of the same things cannot wait for each other. */
export async function lockVariants(em: Em, ids: readonly string[]): Promise<Variant[]> {
  const lock = { ...FRESH, lockMode: LockMode.PESSIMISTIC_WRITE, orderBy: { id: 'asc' } } as const;
  return (await em.find(VariantEntity, { id: { $in: [...ids] } }, lock)).map(toVariant);
}

/** Appends the variants behind the `present` ones. */
export async function insertVariants(em: Em, variants: readonly Variant[], present: number): Promise<void> {
  if (variants.length === 0) return;
  const rows = variants.map((variant, index) => {
    const { name, ...terms } = variant.terms;
    const { id, productId, sku, title, stock, price } = variant;
    const position = present + index;
    const amount = { priceMinor: price.amountMinor, currency: price.currency };
    return { id, productId, position, sku, title, stock, ...amount, licenceName: name, ...terms };
  });
  await em.insertMany(VariantEntity, rows);
}

export async function saveVariant(em: Em, { id, title, price }: Variant): Promise<void> {
  await em.nativeUpdate(VariantEntity, { id }, { title, priceMinor: price.amountMinor });
}

export async function saveStock(em: Em, id: string, stock: number): Promise<void> {
  await em.nativeUpdate(VariantEntity, { id }, { stock });
}

/** Takes quantities out of the stock, or puts them back where they are negative. A constraint refuses less than nothing. */
export async function takeStock(
  em: Em,
  lines: readonly { readonly variantId: string; readonly quantity: number }[],
): Promise<void> {
  await em.execute(
    `update product_variant v set stock = v.stock - taken.quantity
     from unnest(?::text[], ?::int[]) as taken (variant_id, quantity)
     where v.id = taken.variant_id and v.stock is not null`,
    [textArray(lines.map((line) => line.variantId)), textArray(lines.map((line) => line.quantity))],
  );
}

/** Who may sell products of a track; null where it is not known or was deleted. The row stays as it is until the transaction ends. */
export async function findTrackArtist(em: Em, id: string): Promise<string | null> {
  const lock = { ...FRESH, lockMode: LockMode.PESSIMISTIC_READ };
  return (await em.findOne(TrackEntity, { id, deleted: false }, lock))?.artistId ?? null;
}

export async function insertTrack(em: Em, id: string, artistId: string): Promise<void> {
  await em.execute('insert into track (id, artist_id) values (?, ?) on conflict do nothing', [id, artistId]);
}

export async function markTrackDeleted(em: Em, id: string, artistId: string): Promise<void> {
  await em.execute(
    `insert into track (id, artist_id, deleted) values (?, ?, true) on conflict (id) do update set deleted = true`,
    [id, artistId],
  );
}

export function toProduct(row: ProductRow): Product {
  const { id, slug, sellerId, kind, title, currency, state, version } = row;
  const { minPriceMinor, maxPriceMinor, createdAt } = row;
  const facts = { id, slug, sellerId, kind, title, currency, state, version };
  return {
    ...facts,
    minPriceMinor,
    maxPriceMinor,
    createdAt,
    trackId: row.trackId ?? null,
    description: row.description ?? null,
    publishedAt: row.publishedAt ?? null,
  };
}

function toVariant(row: VariantRow): Variant {
  const { id, productId, sku, title, exclusive, territory, streaming } = row;
  const maxCopies = row.maxCopies ?? null;
  return {
    id,
    productId,
    sku,
    title,
    price: { amountMinor: row.priceMinor, currency: row.currency },
    terms: { name: row.licenceName, exclusive, territory, streaming, maxCopies },
    stock: row.stock ?? null,
  };
}
