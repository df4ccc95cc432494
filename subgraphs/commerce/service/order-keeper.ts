import type { Database } from '#platform/database.ts';
import type { Events } from '#platform/events/events.ts';
import { WorkLoop } from '#platform/events/work-loop.ts';
import type { Log } from '#platform/log.ts';
import { claimDueOrder, lockOrder } from '../data/order.repository.ts';
import { claimDueRefund } from '../data/payment.repository.ts';
import type { Order } from '../domain/order.ts';
import { moveOrder } from './order-states.ts';
import type { Payments } from './payments.ts';
import type { Refunds } from './refunds.ts';

/**
 * Goes on with whatever was left halfway, also by a process that was killed: asks the provider about payments and refunds whose outcome is not
 * known, ends orders whose time to pay is over, and completes delivered ones after the time for objections. Any number of processes share the work.
 */
export interface OrderKeeper {
  start(): void;
  stop(): Promise<void>;
  /** Handles everything that is due at this moment; rejects where that failed. */
  settleDue(): Promise<void>;
}

export interface OrderKeeperDeps {
  readonly database: Database;
  readonly events: Events;
  readonly payments: Payments;
  readonly refunds: Refunds;
  readonly pollMs: number;
  readonly log: Log;
  readonly now: () => Date;
}

/** How long others leave a claimed order alone; longer than asking the provider twice takes. */
const LEASE_MS = 60_000;

export function createOrderKeeper(deps: OrderKeeperDeps): OrderKeeper {
  const { database, pollMs, log } = deps;
  const step = () => database.background(() => settleNext(deps));
  const loop = new WorkLoop({ name: 'order keeper', step, pollMs, log });
  return {
    start: () => loop.start(),
    stop: () => loop.stop(),
    async settleDue() {
      while ((await step()) === 'more');
    },
  };
}

async function settleNext(deps: OrderKeeperDeps): Promise<'more' | 'idle'> {
  const { events, refunds, now } = deps;
  const leaseUntil = new Date(now().getTime() + LEASE_MS);
  const order = await events.transact(({ em }) => claimDueOrder(em, now(), leaseUntil));
  if (order) {
    await settleOrder(deps, order);
    return 'more';
  }
  const refund = await events.transact(({ em }) => claimDueRefund(em, now(), leaseUntil));
  if (!refund) return 'idle';
  await refunds.bringOn(refund.id);
  return 'more';
}

async function settleOrder({ events, payments, now }: OrderKeeperDeps, order: Order): Promise<void> {
  if (order.state === 'FULFILLED') return complete(events, order.id, now());
  const expired = order.reservedUntil <= now();
  await (expired ? payments.cancel(order.id, 'RESERVATION_EXPIRED') : payments.pay(order.id));
}

async function complete(events: Events, orderId: string, at: Date): Promise<void> {
  await events.transact(async (tx) => {
    const order = await lockOrder(tx.em, orderId);
    if (order?.state === 'FULFILLED') await moveOrder(tx, order, { to: 'COMPLETED', at, actorId: null });
  });
}
