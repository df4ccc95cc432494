import { conflict, Refusal, type UserErrorData } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { Transaction } from '#platform/events/unit-of-work.ts';
import { isId, newId } from '#platform/ids.ts';
import type { Viewer } from '#platform/viewer.ts';
import { closeCart, findCartLines, lockCart } from '../data/cart.repository.ts';
import { findOrderByKey, insertOrder, insertTransition } from '../data/order.repository.ts';
import { insertPayment } from '../data/payment.repository.ts';
import { takeStock } from '../data/product.repository.ts';
import type { PricedLine } from '../domain/cart.ts';
import {
  checkCheckout,
  fingerprintOf,
  requireOpenCart,
  requireOrderable,
  requireSameRequest,
  type CheckoutInput,
} from '../domain/checkout.ts';
import { formatAmount, type Money } from '../domain/money.ts';
import { RESERVATION_MS, type Order, type OrderLine } from '../domain/order.ts';
import { paymentFailed, type Payment } from '../domain/payment.ts';
import type { Outcome, Payments } from './payments.ts';
import { lockPricedLines } from './priced-lines.ts';

export type CheckoutOutcome =
  | { readonly __typename: 'OrderPlaced'; readonly order: Order }
  | { readonly __typename: 'PaymentPending'; readonly order: Order }
  | {
      readonly __typename: 'PaymentActionRequired';
      readonly order: Order;
      readonly clientSecret: string;
      readonly provider: Payment['provider'];
    };

export interface Checkout {
  /** Reserves, then pays. The same key with the same input goes on with the order it made. */
  checkout(viewer: Viewer, input: CheckoutInput): Promise<CheckoutOutcome>;
}

export interface CheckoutDeps {
  readonly events: Events;
  readonly payments: Payments;
  readonly now: () => Date;
}

/** Longer than a checkout takes to pay: until then the order keeper leaves the order to it. */
const PAYING_MS = 30_000;

export function createCheckout({ events, payments, now }: CheckoutDeps): Checkout {
  return {
    async checkout(viewer, input) {
      checkCheckout(input);
      // Committed before the provider is asked: whatever happens then, there is an order that knows of the money.
      const orderId = await events.transact((tx) => reserve(tx, viewer, input, now()));
      return outcomeOf(await payments.pay(orderId));
    },
  };
}

/** The id of the order that this request made, now or before. */
async function reserve(tx: Transaction, viewer: Viewer, input: CheckoutInput, now: Date): Promise<string> {
  const { em } = tx;
  const cart = isId('Cart', input.cartId) ? await lockCart(em, input.cartId) : null;
  // After the lock: a twin of this request that came first has committed its order by now.
  const known = await findOrderByKey(em, viewer.userId, input.idempotencyKey);
  if (known) {
    requireSameRequest(known.fingerprint, fingerprintOf(input));
    return known.id;
  }
  requireOpenCart(cart, viewer.userId, input.cartId);
  const lines = await lockPricedLines(em, viewer.userId, await findCartLines(em, [input.cartId]));
  const total = requireOrderable(lines, viewer.userId, input.expectedTotal);
  const order = await placeOrder(tx, viewer.userId, input, lines, total, now);
  await takeStock(
    em,
    lines.map(({ line }) => line),
  );
  await closeCart(em, input.cartId);
  return order;
}

async function placeOrder(
  { em, append }: Transaction,
  buyerId: string,
  input: CheckoutInput,
  lines: readonly PricedLine[],
  total: Money,
  now: Date,
): Promise<string> {
  const id = newId('Order', now.getTime());
  const { cartId, idempotencyKey } = input;
  const reservedUntil = new Date(now.getTime() + RESERVATION_MS);
  const facts = { id, buyerId, cartId, idempotencyKey, fingerprint: fingerprintOf(input) };
  const made = await insertOrder(
    em,
    { ...facts, state: 'PENDING_PAYMENT', total, placedAt: now, reservedUntil },
    lines.map((line) => orderLine(id, line)),
    new Date(now.getTime() + PAYING_MS),
  );
  if (!made)
    throw new Refusal(conflict('This key is in use for another checkout.', null, 'input.idempotencyKey'));
  await insertPayment(em, newPayment(id, input, total, now));
  await insertTransition(em, { orderId: id, from: null, to: 'PENDING_PAYMENT', at: now, reason: null });
  const payload = { orderId: id, buyerId, amount: formatAmount(total), currency: total.currency };
  await append({ stream: `order:${id}`, name: 'order.placed', payload, actorId: buyerId });
  return id;
}

function orderLine(orderId: string, { line, variant, product }: PricedLine): OrderLine {
  return {
    id: newId('OrderLine'),
    orderId,
    productId: product.id,
    variantId: variant.id,
    sellerId: product.sellerId,
    title: `${product.title} – ${variant.title}`,
    quantity: line.quantity,
    unitPrice: variant.price,
  };
}

function newPayment(orderId: string, input: CheckoutInput, amount: Money, createdAt: Date): Payment {
  const { provider, paymentMethodId: methodId } = input;
  const untried = { state: 'PROCESSING', failureCode: null, retryable: false, clientSecret: null } as const;
  return { id: newId('Payment'), orderId, provider, methodId, amount, createdAt, ...untried };
}

/** What the buyer is told. Refuses where the order came to nothing. */
export function outcomeOf({ order, payment }: Outcome): CheckoutOutcome {
  if (order.state === 'FAILED') throw new Refusal(paymentFailed(payment));
  if (order.state === 'CANCELLED') throw new Refusal(cancelled());
  if (order.state !== 'PENDING_PAYMENT') return { __typename: 'OrderPlaced', order };
  const { clientSecret, provider } = payment;
  if (payment.state === 'REQUIRES_ACTION' && clientSecret !== null)
    return { __typename: 'PaymentActionRequired', order, clientSecret, provider };
  return { __typename: 'PaymentPending', order };
}

const cancelled = (): UserErrorData => conflict('The order was cancelled before it was paid.');
