import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Refusal } from '#platform/errors.ts';
import { addedQuantity, problemsOf, type PricedLine } from '../../subgraphs/commerce/domain/cart.ts';
import { requireOrderable } from '../../subgraphs/commerce/domain/checkout.ts';
import { serialOf } from '../../subgraphs/commerce/domain/licence.ts';
import { orderNumber, requireTransition, type OrderState } from '../../subgraphs/commerce/domain/order.ts';
import { acceptProduct } from '../../subgraphs/commerce/domain/product-input.ts';
import {
  adjustedStock,
  slugOf,
  type Product,
  type Variant,
} from '../../subgraphs/commerce/domain/product.ts';

const STATES: readonly OrderState[] = [
  'PENDING_PAYMENT',
  'PAID',
  'FULFILLED',
  'COMPLETED',
  'CANCELLED',
  'FAILED',
  'REFUNDED',
];

const product: Product = {
  id: 'prd_1',
  slug: 'beat',
  sellerId: 'usr_seller',
  trackId: null,
  kind: 'BEAT',
  title: 'Beat',
  description: null,
  currency: 'EUR',
  state: 'PUBLISHED',
  version: 1,
  minPriceMinor: 500n,
  maxPriceMinor: 500n,
  createdAt: new Date(0),
  publishedAt: new Date(0),
};
const terms = { name: 'Lease', exclusive: false, territory: 'WORLD', streaming: true, maxCopies: null };
const variant: Variant = {
  id: 'pvr_1',
  productId: 'prd_1',
  sku: 'A',
  title: 'Lease',
  price: { amountMinor: 500n, currency: 'EUR' },
  terms,
  stock: 2,
};
const line = { id: 'cln_1', cartId: 'crt_1', variantId: 'pvr_1', quantity: 1, seenPriceMinor: 500n };
const priced: PricedLine = { line, variant, product, owned: false };

const errorsOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    if (error instanceof Refusal) return error.errors.map(({ __typename, rule }) => rule ?? __typename);
    throw error;
  }
  return [];
};

describe('orders', () => {
  it('change state along the table and no other way', () => {
    const legal = new Set(
      STATES.flatMap((from) =>
        STATES.filter((to) => errorsOf(() => requireTransition(from, to, null)).length === 0).map(
          (to) => `${from} → ${to}`,
        ),
      ),
    );
    assert.deepEqual(
      [...legal].sort(),
      [
        'PENDING_PAYMENT → PAID',
        'PENDING_PAYMENT → FAILED',
        'PENDING_PAYMENT → CANCELLED',
        'PAID → FULFILLED',
        'PAID → REFUNDED',
        'FULFILLED → COMPLETED',
        'FULFILLED → REFUNDED',
        'COMPLETED → REFUNDED',
      ].sort(),
    );
  });

  it('have numbers for people', () => assert.equal(orderNumber(42), 'V-000042'));
});

describe('a cart', () => {
  it('names what stands in the way of each line', () => {
    const kinds = (change: Partial<PricedLine>) =>
      problemsOf([{ ...priced, ...change }]).map(({ kind }) => kind);
    assert.deepEqual(kinds({}), []);
    assert.deepEqual(kinds({ line: { ...line, quantity: 3 } }), ['OUT_OF_STOCK']);
    assert.deepEqual(kinds({ product: { ...product, state: 'ARCHIVED' } }), ['UNAVAILABLE']);
    assert.deepEqual(kinds({ owned: true }), ['ALREADY_OWNED']);
    assert.deepEqual(kinds({ line: { ...line, seenPriceMinor: 400n } }), ['PRICE_CHANGED']);
  });

  it('counts tickets, and keeps one of what a person needs once', () => {
    const ticket: Product = { ...product, kind: 'TICKET' };
    assert.equal(addedQuantity(ticket, 2, 3), 5);
    assert.equal(addedQuantity(product, 1, 1), 1);
    assert.deepEqual(
      errorsOf(() => addedQuantity(product, 0, 2)),
      ['OUT_OF_RANGE'],
    );
    assert.deepEqual(
      errorsOf(() => addedQuantity(ticket, 99, 2)),
      ['OUT_OF_RANGE'],
    );
  });

  it('costs what was expected, or is not ordered', () => {
    const total = (text: string) => requireOrderable([priced], 'usr_buyer', text);
    assert.equal(total('5').amountMinor, 500n);
    assert.deepEqual(
      errorsOf(() => total('4.99')),
      ['PriceChangedError'],
    );
    assert.deepEqual(
      errorsOf(() => requireOrderable([priced], 'usr_seller', '5')),
      ['ForbiddenError'],
    );
    assert.deepEqual(
      errorsOf(() => requireOrderable([], 'usr_buyer', '5')),
      ['EMPTY_CART'],
    );
    const yen: PricedLine = {
      ...priced,
      variant: { ...variant, price: { amountMinor: 5n, currency: 'JPY' } },
    };
    assert.deepEqual(
      errorsOf(() => requireOrderable([priced, yen], 'usr_buyer', '5')),
      ['MIXED_CURRENCIES'],
    );
  });
});

describe('a product', () => {
  it('reports every broken rule at once', () => {
    const bad = { sku: 'a b', title: '', price: '0', stock: -1, licence: { name: 'x', territory: 'europe' } };
    const input = {
      title: ' ',
      kind: 'BEAT',
      currency: 'EUR',
      variants: [bad, { ...bad, price: '1.001' }],
    } as const;
    assert.deepEqual(
      new Set(errorsOf(() => acceptProduct(input))),
      new Set([
        'REQUIRED',
        'DUPLICATE_SKU',
        'MALFORMED_SKU',
        'OUT_OF_RANGE',
        'UNKNOWN_TERRITORY',
        'TOO_PRECISE',
      ]),
    );
  });

  it('has one of an exclusive licence, whatever stock was given', () => {
    const licence = { name: 'All rights', exclusive: true };
    const input = { sku: 'X', title: 'X', price: '10', stock: 7, licence };
    const { variants } = acceptProduct({ title: 'T', kind: 'BEAT', currency: 'EUR', variants: [input] });
    assert.equal(variants[0]!.stock, 1);
    const exclusive = { ...variant, stock: 0, terms: { ...terms, exclusive: true } };
    assert.deepEqual(
      errorsOf(() => adjustedStock(exclusive, 1)),
      ['EXCLUSIVE'],
    );
  });

  it('has an address name of plain letters, also where its title has none', () => {
    assert.equal(slugOf('Été — Nº 5!', 'prd_0123456789'), 'ete-no-5-23456789');
    assert.equal(slugOf('音楽', 'prd_0123456789'), 'product-23456789');
  });
});

describe('a licence', () => {
  it('has a serial of four groups', () => {
    const serial = serialOf(Uint8Array.from({ length: 20 }, (_, index) => index * 13));
    assert.match(serial, /^([0-9A-HJKMNP-TV-Z]{5}-){3}[0-9A-HJKMNP-TV-Z]{5}$/);
  });
});
