import { randomBytes } from 'node:crypto';
import { UniqueConstraintViolationException } from '@mikro-orm/core';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { newId } from '#platform/ids.ts';
import { reopenCart } from '../data/cart.repository.ts';
import { insertLicences } from '../data/licence.repository.ts';
import { findOrderLines, lockOrder, scheduleOrder } from '../data/order.repository.ts';
import { findPayments, savePayment } from '../data/payment.repository.ts';
import { findProductsById, findVariantsById, lockVariants, takeStock } from '../data/product.repository.ts';
import { SERIAL_BYTES, serialOf, type Licence } from '../domain/licence.ts';
import { formatAmount, multiply } from '../domain/money.ts';
import { COMPLETE_AFTER_MS, type Order, type OrderLine } from '../domain/order.ts';
import type { ProviderPayment } from '../domain/ports.ts';
import { moveOrder } from './order-states.ts';

/**
 * Writes down where the provider says that a payment stands, with everything that follows from it, in one transaction. An order leaves
 * PENDING_PAYMENT here and nowhere else. An answer that comes a second time, or late, changes nothing.
 */
export async function settle(
  tx: Transaction,
  orderId: string,
  answer: ProviderPayment,
  now: Date,
  cancelReason: string,
): Promise<void> {
  const order = await lockOrder(tx.em, orderId);
  const [payment] = await findPayments(tx.em, [orderId]);
  if (order?.state !== 'PENDING_PAYMENT' || !payment) return;
  switch (answer.status) {
    case 'ACTION_REQUIRED': {
      const { clientSecret } = answer;
      await savePayment(tx.em, payment.id, { state: 'REQUIRES_ACTION', clientSecret });
      return scheduleOrder(tx.em, orderId, order.reservedUntil);
    }
    case 'AUTHORISED':
      return savePayment(tx.em, payment.id, { state: 'AUTHORIZED' });
    case 'CAPTURED':
      await savePayment(tx.em, payment.id, { state: 'CAPTURED' });
      return deliver(tx, order, now);
    case 'DECLINED': {
      const { declineCode: failureCode, retryable } = answer;
      await savePayment(tx.em, payment.id, { state: 'FAILED', failureCode, retryable });
      await moveOrder(tx, order, { to: 'FAILED', at: now, actorId: null, reason: failureCode });
      return release(tx, order);
    }
    case 'CANCELLED':
      await savePayment(tx.em, payment.id, { state: 'CANCELLED' });
      await moveOrder(tx, order, { to: 'CANCELLED', at: now, actorId: null, reason: cancelReason });
      return release(tx, order);
  }
}

async function deliver(tx: Transaction, order: Order, now: Date): Promise<void> {
  const lines = await findOrderLines(tx.em, [order.id]);
  const paid = await moveOrder(tx, order, { to: 'PAID', at: now, actorId: null });
  await tx.append({
    stream: `order:${order.id}`,
    name: 'order.paid',
    payload: {
      orderId: order.id,
      buyerId: order.buyerId,
      amount: formatAmount(order.total),
      currency: order.total.currency,
      lines: lines.map(paidLine),
    },
    actorId: order.buyerId,
  });
  await insertLicences(tx.em, await licencesOf(tx, order, lines, now));
  const nextCheckAt = new Date(now.getTime() + COMPLETE_AFTER_MS);
  await moveOrder(tx, paid, { to: 'FULFILLED', at: now, actorId: null, nextCheckAt });
}

function paidLine({ productId, variantId, sellerId, quantity, unitPrice }: OrderLine) {
  return { productId, variantId, sellerId, quantity, amount: formatAmount(multiply(unitPrice, quantity)) };
}

/** One licence for each piece. */
async function licencesOf(
  { em }: Transaction,
  order: Order,
  lines: readonly OrderLine[],
  issuedAt: Date,
): Promise<Licence[]> {
  const variants = await findVariantsById(
    em,
    lines.map(({ variantId }) => variantId),
  );
  const products = await findProductsById(
    em,
    lines.map(({ productId }) => productId),
  );
  return lines.flatMap(({ variantId, productId, quantity }) =>
    Array.from({ length: quantity }, () => ({
      id: newId('Licence'),
      holderId: order.buyerId,
      orderId: order.id,
      productId,
      variantId,
      trackId: products.find(({ id }) => id === productId)!.trackId,
      terms: variants.find(({ id }) => id === variantId)!.terms,
      serial: serialOf(randomBytes(SERIAL_BYTES)),
      issuedAt,
      revokedAt: null,
    })),
  );
}

/** Gives the stock back, and the cart, so that the buyer can try again. */
async function release(tx: Transaction, order: Order): Promise<void> {
  await returnStock(tx, order.id);
  try {
    await tx.savepoint(({ em }) => reopenCart(em, order.cartId));
  } catch (error) {
    // The buyer has begun another cart meanwhile; that one stays.
    if (!(error instanceof UniqueConstraintViolationException)) throw error;
  }
}

export async function returnStock({ em }: Transaction, orderId: string): Promise<void> {
  const lines = await findOrderLines(em, [orderId]);
  // In the order in which checkouts lock them.
  await lockVariants(
    em,
    lines.map(({ variantId }) => variantId),
  );
  await takeStock(
    em,
    lines.map(({ variantId, quantity }) => ({ variantId, quantity: -quantity })),
  );
}
