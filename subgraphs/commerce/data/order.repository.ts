import { LockMode } from '@mikro-orm/core';
import type { Em } from '#platform/database.ts';
import { keyset } from '#platform/keyset.ts';
import { textArray } from '#platform/text-array.ts';
import type { Order, OrderLine, OrderState, OrderTransition } from '../domain/order.ts';
import {
  OrderEntity,
  OrderLineEntity,
  TransitionEntity,
  type OrderLineRow,
  type OrderRow,
} from './order.entity.ts';
import { FRESH, newestById, type PageById } from './rows.ts';

export async function findOrdersById(em: Em, ids: readonly string[]): Promise<Order[]> {
  return (await em.find(OrderEntity, { id: { $in: [...ids] } }, FRESH)).map(toOrder);
}

export async function findOrderByKey(em: Em, buyerId: string, idempotencyKey: string): Promise<Order | null> {
  const row = await em.findOne(OrderEntity, { buyerId, idempotencyKey }, FRESH);
  return row && toOrder(row);
}

export async function lockOrder(em: Em, id: string): Promise<Order | null> {
  const row = await em.findOne(OrderEntity, { id }, { ...FRESH, lockMode: LockMode.PESSIMISTIC_WRITE });
  return row && toOrder(row);
}

/** Stores the order with its lines. False where the buyer used the key already: of two requests at once, the constraint lets one through. */
export async function insertOrder(
  em: Em,
  order: Omit<Order, 'number'>,
  lines: readonly OrderLine[],
  nextCheckAt: Date,
): Promise<boolean> {
  const { total, ...facts } = order;
  const { id, buyerId, cartId, state, idempotencyKey, fingerprint, placedAt, reservedUntil } = facts;
  const inserted = await em.execute(
    `insert into shop_order (id, buyer_id, cart_id, state, total_minor, currency, idempotency_key, fingerprint, placed_at,
       reserved_until, next_check_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
     on conflict (buyer_id, idempotency_key) do nothing returning id`,
    [
      ...[id, buyerId, cartId, state, String(total.amountMinor), total.currency, idempotencyKey, fingerprint],
      ...[placedAt, reservedUntil, nextCheckAt],
    ],
  );
  if (inserted.length === 0) return false;
  const rows = lines.map(({ unitPrice, ...line }, position) => ({
    ...line,
    position,
    unitPriceMinor: unitPrice.amountMinor,
    currency: unitPrice.currency,
  }));
  await em.insertMany(OrderLineEntity, rows);
  return true;
}

export async function saveOrderState(
  em: Em,
  id: string,
  state: OrderState,
  nextCheckAt: Date | null,
): Promise<void> {
  await em.nativeUpdate(OrderEntity, { id }, { state, nextCheckAt });
}

/** Says when the order keeper looks at an order that is still to be paid; does nothing where it no longer is. */
export async function scheduleOrder(em: Em, id: string, nextCheckAt: Date): Promise<void> {
  await em.nativeUpdate(OrderEntity, { id, state: 'PENDING_PAYMENT' }, { nextCheckAt });
}

/**
 * The order that has been due longest, put off to `leaseUntil` so that no other process takes it meanwhile. A process that dies with it loses
 * nothing: it becomes due again.
 */
export async function claimDueOrder(em: Em, now: Date, leaseUntil: Date): Promise<Order | null> {
  const [row] = await em.execute<{ id: string }[]>(
    `update shop_order set next_check_at = ? where id =
       (select id from shop_order where next_check_at <= ? order by next_check_at limit 1 for update skip locked)
     returning id`,
    [leaseUntil, now],
  );
  return row ? ((await findOrdersById(em, [row.id]))[0] ?? null) : null;
}

/** In the order of the cart they came from. */
export async function findOrderLines(em: Em, orderIds: readonly string[]): Promise<OrderLine[]> {
  const options = { ...FRESH, orderBy: { orderId: 'asc', position: 'asc' } } as const;
  return (await em.find(OrderLineEntity, { orderId: { $in: [...orderIds] } }, options)).map(toLine);
}

export async function insertTransition(em: Em, transition: OrderTransition): Promise<void> {
  const { orderId, from, to, at, reason } = transition;
  await em.execute(
    'insert into order_transition (order_id, from_state, to_state, at, reason) values (?, ?, ?, ?, ?)',
    [orderId, from, to, at, reason],
  );
}

/** Oldest first. */
export async function findTransitions(em: Em, orderIds: readonly string[]): Promise<OrderTransition[]> {
  const options = { ...FRESH, orderBy: { position: 'asc' } } as const;
  const rows = await em.find(TransitionEntity, { orderId: { $in: [...orderIds] } }, options);
  return rows.map(({ orderId, fromState, toState, at, reason }) => ({
    orderId,
    from: fromState ?? null,
    to: toState,
    at,
    reason: reason ?? null,
  }));
}

/** Newest first. */
export async function listOrdersOf(em: Em, buyerId: string, page: PageById): Promise<Order[]> {
  const { where, options } = newestById(page);
  return (await em.find(OrderEntity, { buyerId, ...where }, options)).map(toOrder);
}

/** Paid orders with a line of the seller, newest first; those refunded later are among them. */
export async function listSalesOf(em: Em, sellerId: string, page: PageById): Promise<Order[]> {
  const byOrder = { columns: [{ name: 'l.order_id', type: 'text' }], direction: 'desc' } as const;
  const { condition, order, parameters } = keyset(page, byOrder);
  const rows = await em.execute<{ order_id: string }[]>(
    `select distinct l.order_id from order_line l join shop_order o on o.id = l.order_id
     where l.seller_id = ? and o.state not in ('PENDING_PAYMENT', 'FAILED', 'CANCELLED') ${condition}
     order by ${order} limit ?`,
    [sellerId, ...parameters, page.limit + 1],
  );
  const orders = await findOrdersById(
    em,
    rows.map((row) => row.order_id),
  );
  return orders.sort((a, b) => (a.id < b.id ? -1 : 1) * (page.direction === 'forward' ? -1 : 1));
}

/** Which of the variants the buyer holds a licence of, or has ordered and not paid yet. */
export async function findOwnedVariants(
  em: Em,
  buyerId: string,
  variantIds: readonly string[],
): Promise<{ readonly variantId: string }[]> {
  const wanted = textArray(variantIds);
  const rows = await em.execute<{ variant_id: string }[]>(
    `select variant_id from licence where holder_id = ? and revoked_at is null and variant_id = any(?::text[])
     union select l.variant_id from order_line l join shop_order o on o.id = l.order_id
     where o.buyer_id = ? and o.state = 'PENDING_PAYMENT' and l.variant_id = any(?::text[])`,
    [buyerId, wanted, buyerId, wanted],
  );
  return rows.map((row) => ({ variantId: row.variant_id }));
}

function toOrder(row: OrderRow): Order {
  const { id, buyerId, cartId, state, idempotencyKey, fingerprint, placedAt, reservedUntil } = row;
  const facts = { id, buyerId, cartId, state, idempotencyKey, fingerprint, placedAt, reservedUntil };
  const total = { amountMinor: row.totalMinor, currency: row.currency };
  return { ...facts, number: Number(row.number), total };
}

function toLine(row: OrderLineRow): OrderLine {
  const { id, orderId, productId, variantId, sellerId, title, quantity } = row;
  const unitPrice = { amountMinor: row.unitPriceMinor, currency: row.currency };
  return { id, orderId, productId, variantId, sellerId, title, quantity, unitPrice };
}
