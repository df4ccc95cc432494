import type { Database } from '#platform/database.ts';
import { CodedError, messageOf } from '#platform/errors.ts';
import type { Events } from '#platform/events/events.ts';
import type { Log } from '#platform/log.ts';
import { findOrdersById, scheduleOrder } from '../data/order.repository.ts';
import { findPayments } from '../data/payment.repository.ts';
import type { Order } from '../domain/order.ts';
import type { Payment } from '../domain/payment.ts';
import type { PaymentProvider, ProviderPayment } from '../domain/ports.ts';
import { settle } from './settlement.ts';

/** How an order and its payment stand once the provider has been asked. */
export interface Outcome {
  readonly order: Order;
  readonly payment: Payment;
}

/**
 * Brings payments on: asks the provider, never inside of a transaction, and writes each answer down. Every method may be called at any time and by
 * several processes at once: the provider knows the payment by its key, and an order is settled once. Each answers with how things stand.
 */
export interface Payments {
  /** Authorises and captures what is still to be paid. A provider that does not answer leaves the order pending. */
  pay(orderId: string): Promise<Outcome>;
  /** As pay, after the buyer has confirmed the payment with the provider. */
  confirm(orderId: string): Promise<Outcome>;
  /** Calls the payment off, unless the money was taken already: then the order is paid. `reason` is a code for the order's timeline. */
  cancel(orderId: string, reason: string): Promise<Outcome>;
}

export interface PaymentsDeps {
  readonly database: Database;
  readonly events: Events;
  readonly provider: PaymentProvider;
  readonly providerTimeoutMs: number;
  readonly log: Log;
  readonly now: () => Date;
}

type Ask = (payment: Payment) => Promise<ProviderPayment>;

/** When the order keeper asks again after a provider that did not answer. */
const RETRY_MS = 5_000;
const CALLED_OFF = 'PAYMENT_CANCELLED';

export function createPayments(deps: PaymentsDeps): Payments {
  const { provider } = deps;
  const authorise: Ask = ({ id, amount, methodId }) => provider.authorise({ key: id, amount, methodId });
  const confirm: Ask = (payment) =>
    payment.state === 'REQUIRES_ACTION' ? provider.confirm(payment.id) : authorise(payment);
  return {
    pay: (orderId) => bringOn(deps, orderId, authorise, CALLED_OFF),
    confirm: (orderId) => bringOn(deps, orderId, confirm, CALLED_OFF),
    cancel: (orderId, reason) => bringOn(deps, orderId, ({ id }) => provider.cancel(id), reason),
  };
}

async function bringOn(
  deps: PaymentsDeps,
  orderId: string,
  ask: Ask,
  cancelReason: string,
): Promise<Outcome> {
  const { payment, order } = await standing(deps, orderId);
  if (order.state !== 'PENDING_PAYMENT') return { order, payment };
  const record = (answer: ProviderPayment) =>
    deps.events.transact((tx) => settle(tx, orderId, answer, deps.now(), cancelReason));
  let answer = await tryToAsk(deps, payment, ask);
  if (answer?.status === 'AUTHORISED') {
    await record(answer);
    answer = await tryToAsk(deps, payment, ({ id }) => deps.provider.capture(id));
  }
  if (answer) await record(answer);
  else await postpone(deps, orderId);
  return standing(deps, orderId);
}

async function standing({ database }: PaymentsDeps, orderId: string): Promise<Outcome> {
  const em = database.fork();
  const [order] = await findOrdersById(em, [orderId]);
  const [payment] = await findPayments(em, [orderId]);
  if (!order || !payment) throw new CodedError('NOT_FOUND', 'There is no such order.');
  return { order, payment };
}

/** Null where the provider gave no answer: the money may have moved or not. */
async function tryToAsk(
  { log, providerTimeoutMs }: PaymentsDeps,
  payment: Payment,
  ask: Ask,
): Promise<ProviderPayment | null> {
  try {
    return await withDeadline(ask(payment), providerTimeoutMs);
  } catch (error) {
    log.warn({ orderId: payment.orderId, reason: messageOf(error) }, 'payment provider gave no answer');
    return null;
  }
}

/** Rejects with SERVICE_UNAVAILABLE where `answer` takes longer than `timeoutMs`; what it answers later is dropped. */
export async function withDeadline<T>(answer: Promise<T>, timeoutMs: number): Promise<T> {
  const { promise: late, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => reject(new CodedError('SERVICE_UNAVAILABLE', 'The payment provider is too slow.')),
    timeoutMs,
  );
  try {
    return await Promise.race([answer, late]);
  } finally {
    clearTimeout(timer);
  }
}

async function postpone({ events, now }: PaymentsDeps, orderId: string): Promise<void> {
  const nextCheckAt = new Date(now().getTime() + RETRY_MS);
  await events.transact(({ em }) => scheduleOrder(em, orderId, nextCheckAt));
}
