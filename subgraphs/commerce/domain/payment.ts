import { conflict, Refusal, type UserErrorData } from '#platform/errors.ts';
import type { Money } from './money.ts';

export type PaymentProviderName = 'TEST';
export type PaymentState =
  'PROCESSING' | 'REQUIRES_ACTION' | 'AUTHORIZED' | 'CAPTURED' | 'FAILED' | 'CANCELLED';
export type RefundState = 'PENDING' | 'SUCCEEDED' | 'FAILED';

/** One attempt to pay an order. Its id is the idempotency key at the provider. */
export interface Payment {
  readonly id: string;
  readonly orderId: string;
  readonly provider: PaymentProviderName;
  /** The provider's id of the buyer's card or account; for the provider alone. */
  readonly methodId: string;
  readonly state: PaymentState;
  readonly amount: Money;
  readonly failureCode: string | null;
  readonly retryable: boolean;
  readonly clientSecret: string | null;
  readonly createdAt: Date;
}

/** Money given back for a whole order. Its id is the idempotency key at the provider. */
export interface Refund {
  readonly id: string;
  readonly orderId: string;
  readonly idempotencyKey: string;
  readonly requestedBy: string;
  readonly amount: Money;
  readonly reason: string | null;
  readonly state: RefundState;
  readonly createdAt: Date;
}

export function paymentFailed({ failureCode, retryable }: Payment): UserErrorData {
  return {
    __typename: 'PaymentFailedError',
    message: 'The payment was declined.',
    field: null,
    declineCode: failureCode,
    retryable,
  };
}

/** What a repeated refund key stands for must be the same request. */
export function requireSameRefund(refund: Refund, reason: string | null): void {
  if (refund.reason !== reason)
    throw new Refusal(conflict('This key was used for another refund.', null, 'input.idempotencyKey'));
}
