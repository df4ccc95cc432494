import type { Database } from '#platform/database.ts';
import { conflict, messageOf, Refusal, refuseIfAny } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { isId, newId } from '#platform/ids.ts';
import type { Log } from '#platform/log.ts';
import { checkOptionalText } from '#platform/rules.ts';
import type { Viewer } from '#platform/viewer.ts';
import { revokeLicences } from '../data/licence.repository.ts';
import { findOrderLines, findOrdersById, lockOrder } from '../data/order.repository.ts';
import {
  findPayments,
  findRefundByKey,
  insertRefund,
  lockRefund,
  saveRefundState,
  scheduleRefund,
} from '../data/payment.repository.ts';
import { checkKey } from '../domain/checkout.ts';
import { requireMayRefund, requireTransition, type Order } from '../domain/order.ts';
import { requireSameRefund, type Refund } from '../domain/payment.ts';
import type { PaymentProvider, ProviderRefund } from '../domain/ports.ts';
import { moveOrder } from './order-states.ts';
import { withDeadline } from './payments.ts';
import { returnStock } from './settlement.ts';

export interface RefundInput {
  readonly orderId: string;
  readonly reason?: string | null;
  readonly idempotencyKey: string;
}

export interface Refunds {
  /** Writes the wish down, then asks the provider. Where that gives no answer, the refund stays PENDING and the order keeper goes on with it. */
  refund(viewer: Viewer, input: RefundInput): Promise<Order>;
  /** Brings a refund that was written down on. */
  bringOn(refundId: string): Promise<void>;
}

export interface RefundsDeps {
  readonly database: Database;
  readonly events: Events;
  readonly provider: PaymentProvider;
  readonly providerTimeoutMs: number;
  readonly log: Log;
  readonly now: () => Date;
}

const MAX_REASON_CHARS = 500;
/** Until then the order keeper leaves a new refund to the call that made it. */
const REFUNDING_MS = 30_000;
const RETRY_MS = 5_000;

export function createRefunds(deps: RefundsDeps): Refunds {
  return {
    async refund(viewer, input) {
      refuseIfAny([
        ...checkKey('input.idempotencyKey', input.idempotencyKey),
        ...checkOptionalText('input.reason', input.reason, { maxChars: MAX_REASON_CHARS }),
      ]);
      const refundId = await deps.events.transact((tx) => request(tx, viewer, input, deps.now()));
      await bringOn(deps, refundId);
      const [order] = await findOrdersById(deps.database.fork(), [input.orderId]);
      return order!;
    },
    bringOn: (refundId) => bringOn(deps, refundId),
  };
}

/** The id of the refund that this request made, now or before. */
async function request(
  { em }: Transaction,
  viewer: Viewer,
  { orderId, reason: words, idempotencyKey }: RefundInput,
  now: Date,
): Promise<string> {
  const found = isId('Order', orderId) ? await lockOrder(em, orderId) : null;
  const order = requireMayRefund(found, found ? await findOrderLines(em, [orderId]) : [], viewer, orderId);
  const reason = words?.trim() || null;
  const known = await findRefundByKey(em, orderId, idempotencyKey);
  if (known) {
    requireSameRefund(known, reason);
    return known.id;
  }
  requireTransition(order.state, 'REFUNDED', 'input.orderId');
  const id = newId('Refund', now.getTime());
  const wish = { id, orderId, idempotencyKey, requestedBy: viewer.userId, amount: order.total, reason };
  const refund: Refund = { ...wish, state: 'PENDING', createdAt: now };
  if (!(await insertRefund(em, refund, new Date(now.getTime() + REFUNDING_MS))))
    throw new Refusal(conflict('A refund of this order is under way.', null, 'input.orderId'));
  return id;
}

async function bringOn(deps: RefundsDeps, refundId: string): Promise<void> {
  const { events, now } = deps;
  const refund = await events.transact(({ em }) => lockRefund(em, refundId));
  if (refund?.state !== 'PENDING') return;
  const answer = await tryToAsk(deps, refund);
  await events.transact((tx) =>
    answer
      ? settleRefund(tx, refundId, answer, now())
      : scheduleRefund(tx.em, refundId, new Date(now().getTime() + RETRY_MS)),
  );
}

async function tryToAsk(deps: RefundsDeps, { id, orderId, amount }: Refund): Promise<ProviderRefund | null> {
  const [payment] = await findPayments(deps.database.fork(), [orderId]);
  try {
    const answer = deps.provider.refund({ key: id, paymentKey: payment!.id, amount });
    return await withDeadline(answer, deps.providerTimeoutMs);
  } catch (error) {
    deps.log.warn({ orderId, reason: messageOf(error) }, 'payment provider gave no answer');
    return null;
  }
}

/** Two that settle the same refund at once wait for each other at its lock, and the second finds it done. */
async function settleRefund(
  tx: Transaction,
  refundId: string,
  answer: ProviderRefund,
  now: Date,
): Promise<void> {
  const refund = await lockRefund(tx.em, refundId);
  if (refund?.state !== 'PENDING') return;
  const { orderId, requestedBy: actorId, reason: words } = refund;
  if (answer.status === 'REFUSED') return saveRefundState(tx.em, refundId, 'FAILED');
  const order = await lockOrder(tx.em, orderId);
  await saveRefundState(tx.em, refundId, 'SUCCEEDED');
  await moveOrder(tx, order!, { to: 'REFUNDED', at: now, actorId, reason: 'REFUND', words });
  await revokeLicences(tx.em, orderId, now);
  await returnStock(tx, orderId);
}
