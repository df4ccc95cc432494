import { conflict, forbidden, invalid, notFound, Refusal } from '#platform/errors.ts';
import { inStock, sellsInNumbers, type Product, type Variant } from './product.ts';

export interface Cart {
  readonly id: string;
  readonly ownerId: string;
  /** CHECKED_OUT: an order has been made of it, so it no longer changes. */
  readonly state: 'OPEN' | 'CHECKED_OUT';
  readonly version: number;
}

export interface CartLine {
  readonly id: string;
  readonly cartId: string;
  readonly variantId: string;
  readonly quantity: number;
  /** Price of one when the line was last changed, in minor units. */
  readonly seenPriceMinor: bigint;
}

/** A line with what it asks for, as that is now. */
export interface PricedLine {
  readonly line: CartLine;
  readonly variant: Variant;
  readonly product: Product;
  /** Whether the buyer holds a licence of it, or is about to pay for one. */
  readonly owned: boolean;
}

export interface CartProblem {
  readonly kind: 'OUT_OF_STOCK' | 'PRICE_CHANGED' | 'UNAVAILABLE' | 'ALREADY_OWNED';
  readonly lineId: string;
}

const MAX_QUANTITY = 100;
export const MAX_LINES = 50;

/** What is the matter with the lines, in their order. */
export function problemsOf(lines: readonly PricedLine[]): CartProblem[] {
  return lines.flatMap(({ line, variant, product, owned }) => {
    const kinds: CartProblem['kind'][] = [];
    if (product.state !== 'PUBLISHED') kinds.push('UNAVAILABLE');
    else if (!inStock(variant, line.quantity)) kinds.push('OUT_OF_STOCK');
    if (owned && !sellsInNumbers(product.kind)) kinds.push('ALREADY_OWNED');
    if (variant.price.amountMinor !== line.seenPriceMinor) kinds.push('PRICE_CHANGED');
    return kinds.map((kind) => ({ kind, lineId: line.id }));
  });
}

/** Nobody buys from themselves, nor what is not on sale. */
export function requireBuyable(
  product: Product | null,
  viewerId: string,
  field: string,
  variantId: string,
): Product {
  if (product?.sellerId === viewerId)
    throw new Refusal(forbidden('You cannot buy your own product.', null, field));
  if (product?.state !== 'PUBLISHED')
    throw new Refusal(notFound(field, variantId, 'There is no such variant.'));
  return product;
}

/** Refuses quantities outside of the range, and more than one of what a person needs once. */
export function requireQuantity(product: Product, quantity: number, fewest: 0 | 1): void {
  const most = sellsInNumbers(product.kind) ? MAX_QUANTITY : 1;
  if (!Number.isInteger(quantity) || quantity < fewest || quantity > most)
    throw new Refusal(invalid('quantity', 'OUT_OF_RANGE', `This must be between ${fewest} and ${most}.`));
}

/** How many a line asks for once `added` are put to it. */
export function addedQuantity(product: Product, present: number, added: number): number {
  requireQuantity(product, added, 1);
  // Putting something into the cart again that one needs once is no mistake worth an error.
  if (!sellsInNumbers(product.kind)) return 1;
  requireQuantity(product, present + added, 1);
  return present + added;
}

export function requireOneCurrency(product: Product, others: readonly PricedLine[]): void {
  const other = others.find(({ variant }) => variant.price.currency !== product.currency);
  if (!other) return;
  const message = `The cart is in ${other.variant.price.currency}, this is sold in ${product.currency}.`;
  throw new Refusal(invalid('variantId', 'MIXED_CURRENCIES', message));
}

export function requireRoom(lineCount: number): void {
  if (lineCount >= MAX_LINES)
    throw new Refusal(conflict(`A cart holds ${MAX_LINES} lines.`, null, 'variantId'));
}
