import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { ADD, SELLER, startShop, type Shop } from './commerce-shop.ts';

const SET = `mutation ($lineId: ID!, $quantity: Int!) { updateCartLine(lineId: $lineId, quantity: $quantity) {
  cart { version total { amount } lines { id quantity } problems { kind } } userErrors { __typename ... on ValidationError { rule } } } }`;
const CART = `query ($id: ID!) { _entities(representations: [{ __typename: "Viewer", id: $id }]) { ... on Viewer {
  cart { id total { amount } lines { quantity unitPrice { amount } total { amount } variant { product { title } } } problems { kind } } } } }`;

describe('a cart', () => {
  let shop: Shop;
  before(async () => void (shop = await startShop()));
  after(() => shop.close());

  const add = async (caller: string, variantId: string, quantity?: number) =>
    (await shop.data(caller, ADD, { variantId, quantity })).addToCart;
  const set = async (caller: string, lineId: string, quantity: number) =>
    (await shop.data(caller, SET, { lineId, quantity })).updateCartLine;
  const refusal = async (caller: string, variantId: string, quantity?: number) => {
    const [error] = (await add(caller, variantId, quantity)).userErrors;
    return error.rule ?? error.__typename;
  };

  it('is one for each buyer, also where first additions come at once', async () => {
    const buyer = newId('User');
    const products = await Promise.all([1, 2, 3, 4].map(() => shop.sell({ price: '0.10' })));
    const results = await Promise.all(products.map(({ variantId }) => add(buyer, variantId)));
    assert.equal(new Set(results.map(({ cart }) => cart.id)).size, 1);
    const [{ cart }] = (await shop.data(buyer, CART, { id: buyer }))._entities;
    assert.equal(cart.lines.length, 4);
    assert.deepEqual(cart.total, { amount: '0.40' });
    assert.equal((await shop.data(SELLER, CART, { id: buyer }))._entities[0], null);
  });

  it('adds up tickets, changes and removes lines', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell({ kind: 'TICKET', price: '9.99', stock: 4 });
    await add(buyer, variantId, 2);
    const { cart } = await add(buyer, variantId, 3);
    assert.deepEqual([cart.lines[0].quantity, cart.total.amount, cart.version], [5, '49.95', 2]);
    assert.deepEqual(
      cart.problems.map(({ kind }: { kind: string }) => kind),
      ['OUT_OF_STOCK'],
    );
    const less = (await set(buyer, cart.lines[0].id, 1)).cart;
    assert.deepEqual([less.total.amount, less.problems, less.version], ['9.99', [], 3]);
    assert.equal((await set(buyer, cart.lines[0].id, 101)).userErrors[0].rule, 'OUT_OF_RANGE');
    assert.equal((await set(buyer, cart.lines[0].id, -1)).userErrors[0].rule, 'OUT_OF_RANGE');
    assert.equal((await set(newId('User'), cart.lines[0].id, 1)).userErrors[0].__typename, 'NotFoundError');
    const none = (await set(buyer, cart.lines[0].id, 0)).cart;
    assert.deepEqual([none.lines, none.total], [[], null]);
    assert.equal((await set(buyer, cart.lines[0].id, 1)).userErrors[0].__typename, 'NotFoundError');
  });

  it('holds no mixed currencies, nothing of the buyer, nothing that is not on sale', async () => {
    const buyer = newId('User');
    const [euro, yen] = [await shop.sell(), await shop.sell({ currency: 'JPY', price: '900' })];
    await add(buyer, euro.variantId);
    assert.equal(await refusal(buyer, yen.variantId), 'MIXED_CURRENCIES');
    assert.equal(await refusal(SELLER, euro.variantId), 'ForbiddenError');
    assert.equal(await refusal(buyer, euro.variantId, 2), 'OUT_OF_RANGE');
    assert.equal(await refusal(buyer, euro.variantId, 0), 'OUT_OF_RANGE');
    assert.equal(await refusal(buyer, newId('ProductVariant')), 'NotFoundError');
    assert.equal(await refusal(buyer, `pvr_'; --`), 'NotFoundError');
    const archive = 'mutation ($id: ID!) { archiveProduct(id: $id) { product { id } } }';
    await shop.data(SELLER, archive, { id: yen.productId });
    assert.equal(await refusal(newId('User'), yen.variantId), 'NotFoundError');
  });

  it('says what changed since something was put into it', async () => {
    const buyer = newId('User');
    const [priced, archived, owned] = [await shop.sell(), await shop.sell(), await shop.sell()];
    await shop.buy(buyer, owned.variantId);
    for (const { variantId } of [priced, archived, owned]) await add(buyer, variantId);
    await shop.data(
      SELLER,
      `mutation ($archived: ID!, $priced: ID!, $variant: ID!) {
        archiveProduct(id: $archived) { product { id } }
        updateProduct(id: $priced, expectedVersion: 1, input: { variants: [{ id: $variant, price: "1" }] }) { product { version } }
      }`,
      { archived: archived.productId, priced: priced.productId, variant: priced.variantId },
    );
    const [{ cart }] = (await shop.data(buyer, CART, { id: buyer }))._entities;
    const kinds = cart.problems.map(({ kind }: { kind: string }) => kind);
    assert.deepEqual(kinds, ['PRICE_CHANGED', 'UNAVAILABLE', 'ALREADY_OWNED']);
    assert.equal(cart.lines[0].unitPrice.amount, '1.00');
  });
});

describe('demo data of the shop', () => {
  it('is put into an empty shop once', async () => {
    const shop = await startShop();
    try {
      await shop.open.subgraph.seed();
      await shop.open.subgraph.seed();
      const { products } = await shop.data(null, '{ products { nodes { title } } }');
      assert.equal(products.nodes.length, 4);
      const orders = await shop.rows('select state from shop_order');
      assert.deepEqual(orders, [{ state: 'COMPLETED' }]);
    } finally {
      await shop.close();
    }
  });
});
