import type { Transaction } from '#platform/events/unit-of-work.ts';
import { insertTransition, saveOrderState } from '../data/order.repository.ts';
import { requireTransition, type Order, type OrderState } from '../domain/order.ts';

export interface Move {
  readonly to: OrderState;
  readonly at: Date;
  /** Who caused it; null for the platform itself. */
  readonly actorId: string | null;
  /** A code such as `RESERVATION_EXPIRED`. */
  readonly reason?: string | null;
  /** Words for buyer and seller instead of the code; they stay out of the event, which others read. */
  readonly words?: string | null;
  /** When the order keeper looks at it next. */
  readonly nextCheckAt?: Date | null;
}

/** The one way in which an order's state changes. The order must be locked; an illegal change is refused. */
export async function moveOrder(tx: Transaction, order: Order, move: Move): Promise<Order> {
  const { to, at, actorId, reason = null, words = null, nextCheckAt = null } = move;
  requireTransition(order.state, to, null);
  await saveOrderState(tx.em, order.id, to, nextCheckAt);
  await insertTransition(tx.em, { orderId: order.id, from: order.state, to, at, reason: words ?? reason });
  const payload = { orderId: order.id, buyerId: order.buyerId, from: order.state, to, reason };
  await tx.append({ stream: `order:${order.id}`, name: 'order.stateChanged', payload, actorId });
  return { ...order, state: to };
}
