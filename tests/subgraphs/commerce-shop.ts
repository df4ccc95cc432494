import { randomUUID } from 'node:crypto';
import { newId } from '#platform/ids.ts';
import {
  commerceSubgraph,
  type CommerceOptions,
  type CommerceSubgraph,
} from '../../subgraphs/commerce/subgraph.ts';
import { startTestSubgraph, type Caller, type TestOptions, type TestSubgraph } from '../support/subgraphs.ts';

export const SELLER = newId('User');
/** A time between looks of the order keeper that no test lives to see: tests call it themselves. */
export const NEVER_MS = 2_000_000_000;

export interface OnSale {
  readonly productId: string;
  readonly variantId: string;
}

export interface SaleOptions {
  readonly seller?: string;
  readonly kind?: string;
  readonly price?: string;
  readonly currency?: string;
  readonly stock?: number | null;
  readonly exclusive?: boolean;
  readonly trackId?: string;
}

export interface CartFacts {
  readonly id: string;
  readonly total: { readonly amount: string } | null;
}

export const CREATE = `mutation ($input: CreateProductInput!) {
  createProduct(input: $input) {
    product { id slug state version title variants { id sku title stock available price { amount currency } licence { name exclusive } } }
    userErrors { __typename message field ... on ValidationError { rule } }
  }
}`;
const PUBLISH = `mutation ($id: ID!) { publishProduct(id: $id) { product { id state } userErrors { message } } }`;
export const ADD = `mutation ($variantId: ID!, $quantity: Int) {
  addToCart(variantId: $variantId, quantity: $quantity) {
    cart { id version subtotal { amount } total { amount currency } lines { id quantity variant { id } unitPrice { amount } total { amount } }
      problems { kind lineId } }
    userErrors { __typename message field ... on ValidationError { rule } }
  }
}`;
export const CHECKOUT = `mutation ($input: CheckoutInput!) {
  checkout(input: $input) {
    __typename
    ... on OrderPlaced { order { id number state total { amount currency } licences { serial } payments { state } } }
    ... on PaymentActionRequired { clientSecret provider order { id state reservedUntil } }
    ... on PaymentPending { order { id state } }
    ... on UserError { message field }
    ... on OutOfStockError { variantId available }
    ... on PriceChangedError { changedVariantId total { amount } }
    ... on PaymentFailedError { declineCode retryable }
    ... on ValidationError { rule }
  }
}`;

export type Shop = Awaited<ReturnType<typeof startShop>>;

/** The commerce subgraph with short ways to sell and to buy. */
export async function startShop(
  { upstream, ...options }: CommerceOptions & Pick<TestOptions, 'upstream'> = {},
  now?: () => Date,
) {
  const subgraph: TestSubgraph<CommerceSubgraph> = await startTestSubgraph(
    commerceSubgraph({ keeperPollMs: NEVER_MS, ...options }),
    { now, upstream },
  );
  const { data } = subgraph;
  return {
    ...subgraph,
    keeper: subgraph.open.subgraph.orderKeeper,
    sell: (sale?: SaleOptions) => sell(data, sale),
    async fillCart(buyer: Caller, variantId: string, quantity = 1): Promise<CartFacts> {
      const { cart, userErrors } = (await data(buyer, ADD, { variantId, quantity })).addToCart;
      if (!cart) throw new Error(`Not put into the cart: ${JSON.stringify(userErrors)}`);
      return cart;
    },
    async checkout(buyer: Caller, cart: CartFacts, change: Record<string, unknown> = {}) {
      const input = { ...checkoutInput(cart), ...change };
      return (await data(buyer, CHECKOUT, { input })).checkout;
    },
    async buy(buyer: Caller, variantId: string) {
      const { order } = await this.checkout(buyer, await this.fillCart(buyer, variantId));
      return order as { id: string; state: string; licences: { serial: string }[] };
    },
    async stockOf(variantId: string): Promise<number | null> {
      const query = `query ($id: ID!) { _entities(representations: [{ __typename: "ProductVariant", id: $id }]) { ... on ProductVariant { stock } } }`;
      return (await data(SELLER, query, { id: variantId }))._entities[0].stock;
    },
    /** Rows of a query of the subgraph's own database. */
    rows: (sql: string, parameters: unknown[] = []) =>
      subgraph.open.foundation.database.fork().execute<Record<string, string>[]>(sql, parameters),
  };
}

export function checkoutInput(cart: CartFacts) {
  return {
    cartId: cart.id,
    expectedTotal: cart.total?.amount ?? '0',
    provider: 'TEST',
    paymentMethodId: 'pm_ok',
    idempotencyKey: randomUUID(),
  };
}

async function sell(data: TestSubgraph<CommerceSubgraph>['data'], sale: SaleOptions = {}): Promise<OnSale> {
  const {
    seller = SELLER,
    kind = 'BEAT',
    price = '20',
    currency = 'EUR',
    stock = null,
    exclusive,
    trackId,
  } = sale;
  const variant = { sku: 'ONE', title: 'One', price, stock, licence: { name: 'Terms', exclusive } };
  const input = { title: 'A product', kind, currency, trackId, variants: [variant] };
  const { product, userErrors } = (await data(seller, CREATE, { input })).createProduct;
  if (!product) throw new Error(`Not made: ${JSON.stringify(userErrors)}`);
  await data(seller, PUBLISH, { id: product.id });
  return { productId: product.id, variantId: product.variants[0].id };
}
