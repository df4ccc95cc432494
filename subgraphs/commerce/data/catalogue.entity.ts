import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Currency } from '../domain/money.ts';
import type { ProductKind, ProductState } from '../domain/product.ts';

export const ProductEntity = defineEntity({
  name: 'Product',
  tableName: 'product',
  properties: {
    id: p.text().primary(),
    slug: p.text().unique(),
    sellerId: p.text(),
    trackId: p.text().nullable(),
    kind: p.text().$type<ProductKind>(),
    title: p.text(),
    description: p.text().nullable(),
    currency: p.text().$type<Currency>(),
    state: p.text().$type<ProductState>(),
    version: p.integer(),
    minPriceMinor: p.bigint(),
    maxPriceMinor: p.bigint(),
    createdAt: p.datetime(),
    publishedAt: p.datetime().nullable(),
  },
});

export const VariantEntity = defineEntity({
  name: 'ProductVariant',
  tableName: 'product_variant',
  properties: {
    id: p.text().primary(),
    productId: p.text(),
    position: p.integer(),
    sku: p.text(),
    title: p.text(),
    priceMinor: p.bigint(),
    currency: p.text().$type<Currency>(),
    stock: p.integer().nullable(),
    licenceName: p.text(),
    exclusive: p.boolean(),
    territory: p.text(),
    streaming: p.boolean(),
    maxCopies: p.integer().nullable(),
  },
});

/** A published track of another subgraph, and who may sell it. */
export const TrackEntity = defineEntity({
  name: 'Track',
  tableName: 'track',
  properties: {
    id: p.text().primary(),
    artistId: p.text(),
    deleted: p.boolean().default(false),
  },
});

export type ProductRow = InferEntity<typeof ProductEntity>;
export type VariantRow = InferEntity<typeof VariantEntity>;
