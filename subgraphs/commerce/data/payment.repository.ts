import { LockMode } from '@mikro-orm/core';
import type { Em } from '#platform/database.ts';
import type { Payment, Refund, RefundState } from '../domain/payment.ts';
import { PaymentEntity, RefundEntity, type PaymentRow, type RefundRow } from './payment.entity.ts';
import { FRESH } from './rows.ts';

export async function insertPayment(em: Em, payment: Payment): Promise<void> {
  const { amount, ...facts } = payment;
  await em.insert(PaymentEntity, { ...facts, amountMinor: amount.amountMinor, currency: amount.currency });
}

export async function findPayments(em: Em, orderIds: readonly string[]): Promise<Payment[]> {
  return (await em.find(PaymentEntity, { orderId: { $in: [...orderIds] } }, FRESH)).map(toPayment);
}

type PaymentStanding = Pick<Payment, 'state'> &
  Partial<Pick<Payment, 'failureCode' | 'retryable' | 'clientSecret'>>;

export async function savePayment(em: Em, id: string, standing: PaymentStanding): Promise<void> {
  await em.nativeUpdate(PaymentEntity, { id }, standing);
}

/** False where the order has a refund under this key, or one that has not failed: constraints decide between two at once. */
export async function insertRefund(em: Em, refund: Refund, nextCheckAt: Date): Promise<boolean> {
  const { id, orderId, idempotencyKey, requestedBy, amount, reason, state, createdAt } = refund;
  const rows = await em.execute(
    `insert into refund (id, order_id, idempotency_key, requested_by, amount_minor, currency, reason, state, created_at,
       next_check_at) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) on conflict do nothing returning id`,
    [
      ...[id, orderId, idempotencyKey, requestedBy, String(amount.amountMinor), amount.currency],
      ...[reason, state, createdAt, nextCheckAt],
    ],
  );
  return rows.length === 1;
}

export async function findRefundByKey(
  em: Em,
  orderId: string,
  idempotencyKey: string,
): Promise<Refund | null> {
  const row = await em.findOne(RefundEntity, { orderId, idempotencyKey }, FRESH);
  return row && toRefund(row);
}

export async function lockRefund(em: Em, id: string): Promise<Refund | null> {
  const row = await em.findOne(RefundEntity, { id }, { ...FRESH, lockMode: LockMode.PESSIMISTIC_WRITE });
  return row && toRefund(row);
}

/** Oldest first. */
export async function findRefunds(em: Em, orderIds: readonly string[]): Promise<Refund[]> {
  const options = { ...FRESH, orderBy: { id: 'asc' } } as const;
  return (await em.find(RefundEntity, { orderId: { $in: [...orderIds] } }, options)).map(toRefund);
}

export async function saveRefundState(em: Em, id: string, state: RefundState): Promise<void> {
  await em.nativeUpdate(RefundEntity, { id }, { state, nextCheckAt: null });
}

/** Says when the order keeper asks again; does nothing where the refund is settled. */
export async function scheduleRefund(em: Em, id: string, nextCheckAt: Date): Promise<void> {
  await em.nativeUpdate(RefundEntity, { id, state: 'PENDING' }, { nextCheckAt });
}

/** As claimDueOrder, for refunds. */
export async function claimDueRefund(em: Em, now: Date, leaseUntil: Date): Promise<{ id: string } | null> {
  const [row] = await em.execute<{ id: string }[]>(
    `update refund set next_check_at = ? where id =
       (select id from refund where next_check_at <= ? order by next_check_at limit 1 for update skip locked)
     returning id`,
    [leaseUntil, now],
  );
  return row ?? null;
}

function toPayment(row: PaymentRow): Payment {
  const { id, orderId, provider, methodId, state, retryable, createdAt } = row;
  const amount = { amountMinor: row.amountMinor, currency: row.currency };
  const failureCode = row.failureCode ?? null;
  const clientSecret = row.clientSecret ?? null;
  return { id, orderId, provider, methodId, state, retryable, createdAt, amount, failureCode, clientSecret };
}

function toRefund(row: RefundRow): Refund {
  const { id, orderId, idempotencyKey, requestedBy, state, createdAt } = row;
  const amount = { amountMinor: row.amountMinor, currency: row.currency };
  const reason = row.reason ?? null;
  return { id, orderId, idempotencyKey, requestedBy, state, createdAt, amount, reason };
}
