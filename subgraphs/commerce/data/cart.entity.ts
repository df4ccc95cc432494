import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Cart } from '../domain/cart.ts';

export const CartEntity = defineEntity({
  name: 'Cart',
  tableName: 'cart',
  properties: {
    id: p.text().primary(),
    ownerId: p.text(),
    state: p.text().$type<Cart['state']>(),
    version: p.integer(),
    createdAt: p.datetime(),
  },
});

export const CartLineEntity = defineEntity({
  name: 'CartLine',
  tableName: 'cart_line',
  properties: {
    id: p.text().primary(),
    position: p.bigint(),
    cartId: p.text(),
    variantId: p.text(),
    quantity: p.integer(),
    seenPriceMinor: p.bigint(),
  },
});

export type CartRow = InferEntity<typeof CartEntity>;
export type CartLineRow = InferEntity<typeof CartLineEntity>;
