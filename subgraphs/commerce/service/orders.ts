import type { Database } from '#platform/database.ts';
import { conflict, Refusal } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import { isId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import { findOrdersById, lockOrder } from '../data/order.repository.ts';
import { requireBuyer, requireTransition, type Order } from '../domain/order.ts';
import { outcomeOf, type CheckoutOutcome } from './checkout.ts';
import { moveOrder } from './order-states.ts';
import type { Payments } from './payments.ts';

/** What a buyer does with an order they have placed. */
export interface Orders {
  confirmPayment(viewer: Viewer, orderId: string): Promise<CheckoutOutcome>;
  /** Cancelling what is cancelled already changes nothing. */
  cancel(viewer: Viewer, id: string): Promise<Order>;
  /** Confirming twice changes nothing. */
  confirmDelivery(viewer: Viewer, orderId: string): Promise<Order>;
}

export interface OrdersDeps {
  readonly database: Database;
  readonly events: Events;
  readonly payments: Payments;
  readonly now: () => Date;
}

export function createOrders(deps: OrdersDeps): Orders {
  const { events, payments, now } = deps;
  return {
    async confirmPayment(viewer, orderId) {
      await requireOwn(deps, viewer, 'orderId', orderId);
      return outcomeOf(await payments.confirm(orderId));
    },

    async cancel(viewer, id) {
      const before = await requireOwn(deps, viewer, 'id', id);
      if (before.state === 'CANCELLED') return before;
      requireTransition(before.state, 'CANCELLED', 'id');
      const { order } = await payments.cancel(id, 'CANCELLED_BY_BUYER');
      if (order.state === 'PENDING_PAYMENT')
        throw new Refusal(conflict('The payment provider does not answer. Try again.', null, 'id'));
      if (order.state !== 'CANCELLED') requireTransition(order.state, 'CANCELLED', 'id');
      return order;
    },

    confirmDelivery: (viewer, orderId) =>
      events.transact(async (tx) => {
        const found = isId('Order', orderId) ? await lockOrder(tx.em, orderId) : null;
        const order = requireBuyer(found, viewer.userId, 'orderId', orderId);
        if (order.state === 'COMPLETED') return order;
        requireTransition(order.state, 'COMPLETED', 'orderId');
        return moveOrder(tx, order, { to: 'COMPLETED', at: now(), actorId: viewer.userId });
      }),
  };
}

async function requireOwn(
  { database }: OrdersDeps,
  viewer: Viewer,
  field: string,
  id: string,
): Promise<Order> {
  const [order] = isId('Order', id) ? await findOrdersById(database.fork(), [id]) : [];
  return requireBuyer(order ?? null, viewer.userId, field, id);
}
