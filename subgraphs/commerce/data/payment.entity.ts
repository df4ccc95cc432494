import { defineEntity, p, type InferEntity } from '@mikro-orm/core';
import type { Currency } from '../domain/money.ts';
import type { PaymentProviderName, PaymentState, RefundState } from '../domain/payment.ts';

export const PaymentEntity = defineEntity({
  name: 'Payment',
  tableName: 'payment',
  properties: {
    id: p.text().primary(),
    orderId: p.text().unique(),
    provider: p.text().$type<PaymentProviderName>(),
    methodId: p.text(),
    state: p.text().$type<PaymentState>(),
    amountMinor: p.bigint(),
    currency: p.text().$type<Currency>(),
    failureCode: p.text().nullable(),
    retryable: p.boolean().default(false),
    clientSecret: p.text().nullable(),
    createdAt: p.datetime(),
  },
});

export const RefundEntity = defineEntity({
  name: 'Refund',
  tableName: 'refund',
  properties: {
    id: p.text().primary(),
    orderId: p.text(),
    idempotencyKey: p.text(),
    requestedBy: p.text(),
    amountMinor: p.bigint(),
    currency: p.text().$type<Currency>(),
    reason: p.text().nullable(),
    state: p.text().$type<RefundState>(),
    createdAt: p.datetime(),
    nextCheckAt: p.datetime().nullable(),
  },
});

export type PaymentRow = InferEntity<typeof PaymentEntity>;
export type RefundRow = InferEntity<typeof RefundEntity>;
