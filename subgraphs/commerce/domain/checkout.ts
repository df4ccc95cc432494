import { conflict, forbidden, invalid, notFound, Refusal, refuseIfAny } from '#platform/errors.ts';
import { checkText } from '#platform/rules.ts';
import type { Cart, PricedLine } from './cart.ts';
import { multiply, requireAmount, sum, type Money } from './money.ts';
import type { PaymentProviderName } from './payment.ts';
import { inStock, sellsInNumbers } from './product.ts';

export interface CheckoutInput {
  readonly cartId: string;
  /** Decimal text in the cart's currency. */
  readonly expectedTotal: string;
  readonly provider: PaymentProviderName;
  readonly paymentMethodId: string;
  readonly idempotencyKey: string;
}

const KEY = /^[\x21-\x7e]{8,100}$/;
const MAX_METHOD_CHARS = 100;

export function checkKey(field: string, key: string) {
  if (KEY.test(key)) return [];
  return [invalid(field, 'MALFORMED_KEY', 'Use 8 to 100 visible ASCII characters.')];
}

export function checkCheckout({ idempotencyKey, paymentMethodId }: CheckoutInput): void {
  refuseIfAny([
    ...checkKey('input.idempotencyKey', idempotencyKey),
    ...checkText('input.paymentMethodId', paymentMethodId, { minChars: 1, maxChars: MAX_METHOD_CHARS }),
  ]);
}

/** What two requests with one key must have in common. */
export const fingerprintOf = (input: CheckoutInput): string =>
  JSON.stringify([input.cartId, input.expectedTotal, input.provider, input.paymentMethodId]);

export function requireSameRequest(known: string, given: string): void {
  if (known !== given)
    throw new Refusal(conflict('This key was used for another checkout.', null, 'input.idempotencyKey'));
}

/** To others, a cart does not exist. */
export function requireOpenCart(cart: Cart | null, viewerId: string, cartId: string): Cart {
  if (cart?.ownerId !== viewerId)
    throw new Refusal(notFound('input.cartId', cartId, 'There is no such cart.'));
  if (cart.state !== 'OPEN')
    throw new Refusal(conflict('This cart has been checked out.', cart.version, 'input.cartId'));
  return cart;
}

/** What the lines cost, once nothing stands in the way. Refuses with the first obstacle, in the order of lines. */
export function requireOrderable(
  lines: readonly PricedLine[],
  viewerId: string,
  expectedTotal: string,
): Money {
  for (const line of lines) refuseObstacle(line, viewerId);
  const [first] = lines;
  if (!first) throw new Refusal(invalid('input.cartId', 'EMPTY_CART', 'The cart is empty.'));
  const { currency } = first.variant.price;
  if (lines.some(({ variant }) => variant.price.currency !== currency))
    throw new Refusal(invalid('input.cartId', 'MIXED_CURRENCIES', 'The cart mixes currencies.'));
  const total = totalOf(lines)!;
  if (requireAmount('input.expectedTotal', expectedTotal, currency) !== total.amountMinor)
    throw new Refusal(priceChanged(lines, total));
  return total;
}

/** Null for no lines. */
export function totalOf(lines: readonly PricedLine[]): Money | null {
  return sum(lines.map(({ line, variant }) => multiply(variant.price, line.quantity)));
}

function refuseObstacle({ line, variant, product, owned }: PricedLine, viewerId: string): void {
  const field = 'input.cartId';
  if (product.sellerId === viewerId)
    throw new Refusal(forbidden('You cannot buy your own product.', null, field));
  if (product.state !== 'PUBLISHED')
    throw new Refusal(conflict(`${product.title} is no longer on sale.`, null, field));
  if (!inStock(variant, line.quantity))
    throw new Refusal({
      __typename: 'OutOfStockError',
      message: `${product.title}: ${variant.stock === 0 ? 'none is' : `only ${variant.stock} are`} left.`,
      field: ['input', 'cartId'],
      variantId: variant.id,
      available: variant.stock ?? 0,
    });
  if (owned && !sellsInNumbers(product.kind))
    throw new Refusal(conflict(`You have ${product.title} already.`, null, field));
}

function priceChanged(lines: readonly PricedLine[], total: Money) {
  const changed = lines.find(({ line, variant }) => line.seenPriceMinor !== variant.price.amountMinor);
  return {
    __typename: 'PriceChangedError',
    message: 'The cart costs something else by now.',
    field: ['input', 'expectedTotal'],
    changedVariantId: changed?.variant.id ?? null,
    total,
  };
}
