import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Currency } from '../domain/money.ts';
import type { OrderState } from '../domain/order.ts';

export const OrderEntity = defineEntity({
  name: 'Order',
  tableName: 'shop_order',
  properties: {
    id: p.text().primary(),
    number: p.bigint(),
    buyerId: p.text(),
    cartId: p.text(),
    state: p.text().$type<OrderState>(),
    totalMinor: p.bigint(),
    currency: p.text().$type<Currency>(),
    idempotencyKey: p.text(),
    fingerprint: p.text(),
    placedAt: p.datetime(),
    reservedUntil: p.datetime(),
    /** When the order keeper looks at it next; null where there is nothing left to do by itself. */
    nextCheckAt: p.datetime().nullable(),
  },
});

export const OrderLineEntity = defineEntity({
  name: 'OrderLine',
  tableName: 'order_line',
  properties: {
    id: p.text().primary(),
    orderId: p.text(),
    position: p.integer(),
    productId: p.text(),
    variantId: p.text(),
    sellerId: p.text(),
    title: p.text(),
    quantity: p.integer(),
    unitPriceMinor: p.bigint(),
    currency: p.text().$type<Currency>(),
  },
});

export const TransitionEntity = defineEntity({
  name: 'OrderTransition',
  tableName: 'order_transition',
  properties: {
    position: p.bigint().primary(),
    orderId: p.text(),
    fromState: p.text().$type<OrderState>().nullable(),
    toState: p.text().$type<OrderState>(),
    at: p.datetime(),
    reason: p.text().nullable(),
  },
});

export type OrderRow = InferEntity<typeof OrderEntity>;
export type OrderLineRow = InferEntity<typeof OrderLineEntity>;
