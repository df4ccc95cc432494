import type { Money } from './money.ts';

/** Where a payment stands at the provider. DECLINED, CANCELLED and CAPTURED are final. */
export type ProviderPayment =
  | { readonly status: 'ACTION_REQUIRED'; readonly clientSecret: string }
  | { readonly status: 'AUTHORISED' }
  | { readonly status: 'CAPTURED' }
  | { readonly status: 'DECLINED'; readonly declineCode: string; readonly retryable: boolean }
  | { readonly status: 'CANCELLED' };

export interface PaymentRequest {
  /** Idempotency key: the provider knows the payment by it. */
  readonly key: string;
  readonly amount: Money;
  readonly methodId: string;
}

export interface RefundRequest {
  /** Idempotency key of the refund. */
  readonly key: string;
  readonly paymentKey: string;
  readonly amount: Money;
}

export type ProviderRefund =
  { readonly status: 'SUCCEEDED' } | { readonly status: 'REFUSED'; readonly reason: string };

/**
 * Moves money. Each call may be repeated with the same key and then answers where the payment stands, without a second effect.
 * A call that rejects has told nothing: the money may have moved or not, and asking again is the way to find out.
 */
export interface PaymentProvider {
  /** Sets money aside. The same key with another amount or method rejects. */
  authorise(request: PaymentRequest): Promise<ProviderPayment>;
  /** Looks whether the buyer has done what ACTION_REQUIRED asked for. Rejects for unknown keys. */
  confirm(key: string): Promise<ProviderPayment>;
  /** Takes the money that was set aside; answers as it stands where there is none. Rejects for unknown keys. */
  capture(key: string): Promise<ProviderPayment>;
  /** Ends a payment for good unless the money was taken already, also one the provider has not heard of: a later `authorise` answers CANCELLED. */
  cancel(key: string): Promise<ProviderPayment>;
  /** Gives money back. More than was taken is REFUSED. */
  refund(request: RefundRequest): Promise<ProviderRefund>;
}
