import { conflict, forbidden, invalid, notFound, Refusal } from '#platform/errors.ts';
import type { Currency, Money } from './money.ts';

export type ProductKind = 'BEAT' | 'SAMPLE_PACK' | 'PRESET' | 'TRACK_DOWNLOAD' | 'STEMS' | 'TICKET';
export type ProductState = 'DRAFT' | 'PUBLISHED' | 'ARCHIVED';

export interface Product {
  readonly id: string;
  readonly slug: string;
  readonly sellerId: string;
  readonly trackId: string | null;
  readonly kind: ProductKind;
  readonly title: string;
  readonly description: string | null;
  readonly currency: Currency;
  readonly state: ProductState;
  readonly version: number;
  readonly minPriceMinor: bigint;
  readonly maxPriceMinor: bigint;
  readonly createdAt: Date;
  readonly publishedAt: Date | null;
}

export interface LicenceTerms {
  readonly name: string;
  readonly exclusive: boolean;
  readonly territory: string;
  readonly streaming: boolean;
  /** Null: no limit. */
  readonly maxCopies: number | null;
}

export interface Variant {
  readonly id: string;
  readonly productId: string;
  readonly sku: string;
  readonly title: string;
  readonly price: Money;
  readonly terms: LicenceTerms;
  /** Null: no limit. */
  readonly stock: number | null;
}

export const MAX_STOCK = 1_000_000;

const SLUG_TITLE_CHARS = 60;
const SLUG_ID_CHARS = 8;

/** Address name of a product. The end of the id keeps equal titles apart. */
export function slugOf(title: string, id: string): string {
  const words = title
    .normalize('NFKD')
    .replace(/\p{Mark}/gu, '')
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .slice(0, SLUG_TITLE_CHARS)
    .replace(/^-+|-+$/g, '');
  return `${words || 'product'}-${id.slice(-SLUG_ID_CHARS)}`;
}

/** Drafts are their seller's; what is archived stays visible to its seller only, except through an order or a licence. */
export function maySee(product: Product, viewerId: string | null): boolean {
  return product.state === 'PUBLISHED' || product.sellerId === viewerId;
}

/** To others, what they may not see does not exist. */
export function requireSeller(product: Product | null, viewerId: string, field: string, id: string): Product {
  if (!product || !maySee(product, viewerId))
    throw new Refusal(notFound(field, id, 'There is no such product.'));
  if (product.sellerId !== viewerId)
    throw new Refusal(forbidden('Only its seller can do this.', null, field));
  return product;
}

export function requireVersion(product: Product, expectedVersion: number): void {
  if (product.version !== expectedVersion)
    throw new Refusal(
      conflict('The product has been changed meanwhile.', product.version, 'expectedVersion'),
    );
}

/** Whether one person has use for more than one of it. */
export const sellsInNumbers = (kind: ProductKind): boolean => kind === 'TICKET';

/** Whether `quantity` more can be taken out of the stock. */
export const inStock = ({ stock }: Pick<Variant, 'stock'>, quantity: number): boolean =>
  stock === null || stock >= quantity;

/** The stock after `delta`. Refuses where there is no limit, where it would leave the range, and for exclusive licences. */
export function adjustedStock({ stock, terms }: Variant, delta: number): number {
  if (stock === null)
    throw new Refusal(invalid('variantId', 'UNLIMITED', 'There is no limit, so nothing can be adjusted.'));
  // One of it exists: reserved, sold or free. A second would be on sale as soon as a reservation is given back.
  if (terms.exclusive)
    throw new Refusal(
      invalid(
        'variantId',
        'EXCLUSIVE',
        'An exclusive licence exists once. Archive the product to end its sale.',
      ),
    );
  const next = stock + delta;
  if (next < 0) throw new Refusal(invalid('delta', 'OUT_OF_RANGE', `Only ${stock} are left.`));
  if (next > MAX_STOCK)
    throw new Refusal(invalid('delta', 'OUT_OF_RANGE', `There can be ${MAX_STOCK} at most.`));
  return next;
}
