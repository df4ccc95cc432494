import { conflict, forbidden, notFound, Refusal } from '#platform/errors.ts';
import type { Money } from './money.ts';

export type OrderState =
  'PENDING_PAYMENT' | 'PAID' | 'FULFILLED' | 'COMPLETED' | 'CANCELLED' | 'FAILED' | 'REFUNDED';

export interface Order {
  readonly id: string;
  /** 1, 2, 3 … */
  readonly number: number;
  readonly buyerId: string;
  readonly cartId: string;
  readonly state: OrderState;
  readonly total: Money;
  readonly idempotencyKey: string;
  readonly fingerprint: string;
  readonly placedAt: Date;
  readonly reservedUntil: Date;
}

export interface OrderLine {
  readonly id: string;
  readonly orderId: string;
  readonly productId: string;
  readonly variantId: string;
  readonly sellerId: string;
  readonly title: string;
  readonly quantity: number;
  readonly unitPrice: Money;
}

export interface OrderTransition {
  readonly orderId: string;
  readonly from: OrderState | null;
  readonly to: OrderState;
  readonly at: Date;
  readonly reason: string | null;
}

/** How someone stands to an order. */
export type OrderRole = 'BUYER' | 'SELLER' | 'ADMIN';

/** Every change of state there is. */
const TRANSITIONS: Readonly<Record<OrderState, readonly OrderState[]>> = {
  PENDING_PAYMENT: ['PAID', 'FAILED', 'CANCELLED'],
  PAID: ['FULFILLED', 'REFUNDED'],
  FULFILLED: ['COMPLETED', 'REFUNDED'],
  COMPLETED: ['REFUNDED'],
  CANCELLED: [],
  FAILED: [],
  REFUNDED: [],
};

export const RESERVATION_MS = 30 * 60_000;
/** After this time without an objection a delivered order counts as completed. */
export const COMPLETE_AFTER_MS = 14 * 24 * 3_600_000;

const NUMBER_DIGITS = 6;

export const orderNumber = (number: number): string => `V-${String(number).padStart(NUMBER_DIGITS, '0')}`;

/** Refuses a change that is not in the table. */
export function requireTransition(from: OrderState, to: OrderState, field: string | null): void {
  if (!TRANSITIONS[from].includes(to))
    throw new Refusal(conflict(`An order that is ${from} cannot become ${to}.`, null, field));
}

/** To everyone but its buyer an order does not exist. */
export function requireBuyer(order: Order | null, viewerId: string, field: string, id: string): Order {
  if (order?.buyerId !== viewerId) throw new Refusal(notFound(field, id, 'There is no such order.'));
  return order;
}

/** Administrators refund everything; a seller refunds what they alone have sold. */
export function requireMayRefund(
  order: Order | null,
  lines: readonly OrderLine[],
  viewer: { readonly userId: string; readonly roles: readonly string[] },
  id: string,
): Order {
  const field = 'input.orderId';
  const sells = lines.some(({ sellerId }) => sellerId === viewer.userId);
  const admin = viewer.roles.includes('ADMIN');
  if (!order || !(admin || sells || order.buyerId === viewer.userId))
    throw new Refusal(notFound(field, id, 'There is no such order.'));
  if (admin || lines.every(({ sellerId }) => sellerId === viewer.userId)) return order;
  throw new Refusal(
    forbidden('Only the seller of all its lines or an administrator can refund it.', 'ADMIN', field),
  );
}
