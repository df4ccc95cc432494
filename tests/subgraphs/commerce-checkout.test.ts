import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { checkoutInput, CHECKOUT, SELLER, startShop, type Shop } from './commerce-shop.ts';

describe('checkout', () => {
  let shop: Shop;
  before(async () => void (shop = await startShop()));
  after(() => shop.close());

  it('orders, pays and issues a licence', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell({ price: '19.90', stock: 3 });
    const result = await shop.checkout(buyer, await shop.fillCart(buyer, variantId));
    assert.equal(result.__typename, 'OrderPlaced');
    assert.equal(result.order.state, 'FULFILLED');
    assert.deepEqual(result.order.total, { amount: '19.90', currency: 'EUR' });
    assert.deepEqual(result.order.payments, [{ state: 'CAPTURED' }]);
    assert.equal(result.order.licences.length, 1);
    assert.equal(await shop.stockOf(variantId), 2);
    const names = (await shop.open.foundation.events.read(`order:${result.order.id}`)).map(
      ({ name }) => name,
    );
    assert.deepEqual(names, ['order.placed', 'order.stateChanged', 'order.paid', 'order.stateChanged']);
  });

  it('sells an exclusive licence to exactly one of fifty buyers at once', async () => {
    const { variantId } = await shop.sell({ exclusive: true });
    const buyers = Array.from({ length: 50 }, () => newId('User'));
    const carts = await Promise.all(buyers.map((buyer) => shop.fillCart(buyer, variantId)));
    const results = await Promise.all(buyers.map((buyer, index) => shop.checkout(buyer, carts[index]!)));
    const kinds = results.map(({ __typename }) => __typename);
    assert.equal(kinds.filter((kind) => kind === 'OrderPlaced').length, 1);
    assert.equal(kinds.filter((kind) => kind === 'OutOfStockError').length, 49);
    assert.equal(await shop.stockOf(variantId), 0);
    const orders = await shop.rows('select order_id from order_line where variant_id = ?', [variantId]);
    assert.equal(orders.length, 1);
  });

  it('makes one order of parallel duplicates', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell({ stock: 5 });
    const input = checkoutInput(await shop.fillCart(buyer, variantId));
    const results = await Promise.all(Array.from({ length: 8 }, () => shop.data(buyer, CHECKOUT, { input })));
    const ids = new Set(results.map(({ checkout }) => checkout.order.id));
    assert.equal(ids.size, 1);
    assert.equal(await shop.stockOf(variantId), 4);
  });

  it('refuses a key that was used for something else', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell();
    const input = checkoutInput(await shop.fillCart(buyer, variantId));
    const first = (await shop.data(buyer, CHECKOUT, { input })).checkout;
    const again = (await shop.data(buyer, CHECKOUT, { input })).checkout;
    assert.equal(again.order.id, first.order.id);
    const other = { ...input, paymentMethodId: 'pm_declined' };
    const refused = (await shop.data(buyer, CHECKOUT, { input: other })).checkout;
    assert.equal(refused.__typename, 'ConflictError');
    assert.deepEqual(refused.field, ['input', 'idempotencyKey']);
  });

  it('refuses a key that is used for two carts', async () => {
    const buyer = newId('User');
    const [first, second] = [await shop.sell(), await shop.sell()];
    const idempotencyKey = 'the-same-key';
    await shop.checkout(buyer, await shop.fillCart(buyer, first.variantId), { idempotencyKey });
    const cart = await shop.fillCart(buyer, second.variantId);
    assert.equal((await shop.checkout(buyer, cart, { idempotencyKey })).__typename, 'ConflictError');
  });

  it('gives stock and cart back when the payment is declined', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell({ stock: 1 });
    const cart = await shop.fillCart(buyer, variantId);
    const declined = await shop.checkout(buyer, cart, { paymentMethodId: 'pm_insufficient_funds' });
    assert.equal(declined.__typename, 'PaymentFailedError');
    assert.equal(declined.declineCode, 'insufficient_funds');
    assert.equal(declined.retryable, true);
    assert.equal(await shop.stockOf(variantId), 1);
    assert.equal((await shop.checkout(buyer, cart)).__typename, 'OrderPlaced');
  });

  it('keeps the cart that was begun while a payment was pending', async () => {
    const buyer = newId('User');
    const [first, second] = [await shop.sell(), await shop.sell()];
    const cart = await shop.fillCart(buyer, first.variantId);
    const pending = await shop.checkout(buyer, cart, { paymentMethodId: 'pm_action_declined' });
    const begun = await shop.fillCart(buyer, second.variantId);
    const confirm = 'mutation ($id: ID!) { confirmPayment(orderId: $id) { __typename } }';
    const { confirmPayment } = await shop.data(buyer, confirm, { id: pending.order.id });
    assert.equal(confirmPayment.__typename, 'PaymentFailedError');
    assert.equal((await shop.checkout(buyer, begun)).__typename, 'OrderPlaced');
  });

  it('waits for the buyer to confirm a payment, with the stock reserved', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell({ stock: 1 });
    const cart = await shop.fillCart(buyer, variantId);
    const waiting = await shop.checkout(buyer, cart, { paymentMethodId: 'pm_action_required' });
    assert.equal(waiting.__typename, 'PaymentActionRequired');
    assert.match(waiting.clientSecret, /_secret$/);
    assert.equal(await shop.stockOf(variantId), 0);
    const confirm = `mutation ($id: ID!) { confirmPayment(orderId: $id) { __typename ... on OrderPlaced { order { id state } } } }`;
    const stranger = (await shop.data(newId('User'), confirm, { id: waiting.order.id })).confirmPayment;
    assert.equal(stranger.__typename, 'NotFoundError');
    const done = (await shop.data(buyer, confirm, { id: waiting.order.id })).confirmPayment;
    assert.deepEqual(done, {
      __typename: 'OrderPlaced',
      order: { id: waiting.order.id, state: 'FULFILLED' },
    });
    assert.deepEqual((await shop.data(buyer, confirm, { id: waiting.order.id })).confirmPayment, done);
  });

  it('orders at the price the buyer saw, or tells the new total', async () => {
    const buyer = newId('User');
    const { productId, variantId } = await shop.sell({ price: '10' });
    const cart = await shop.fillCart(buyer, variantId);
    const update = `mutation ($id: ID!, $variantId: ID!) {
      updateProduct(id: $id, expectedVersion: 1, input: { variants: [{ id: $variantId, price: "12.50" }] }) { userErrors { message } }
    }`;
    await shop.data(SELLER, update, { id: productId, variantId });
    const changed = await shop.checkout(buyer, cart);
    assert.equal(changed.__typename, 'PriceChangedError');
    assert.equal(changed.changedVariantId, variantId);
    assert.deepEqual(changed.total, { amount: '12.50' });
    assert.equal((await shop.checkout(buyer, cart, { expectedTotal: '12.5' })).__typename, 'OrderPlaced');
  });

  it('refuses what the buyer has, or is about to pay for, but sells tickets again', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell();
    const pending = { paymentMethodId: 'pm_action_pending' };
    await shop.checkout(buyer, await shop.fillCart(buyer, variantId), pending);
    assert.equal(
      (await shop.checkout(buyer, await shop.fillCart(buyer, variantId))).__typename,
      'ConflictError',
    );
    const visitor = newId('User');
    const ticket = await shop.sell({ kind: 'TICKET', stock: 10 });
    const two = await shop.checkout(visitor, await shop.fillCart(visitor, ticket.variantId, 2));
    assert.equal(two.order.licences.length, 2);
    assert.equal((await shop.buy(visitor, ticket.variantId)).state, 'FULFILLED');
    assert.equal(await shop.stockOf(ticket.variantId), 7);
  });

  it('refuses bad input with the member that says why', async () => {
    const buyer = newId('User');
    const { productId, variantId } = await shop.sell();
    const cart = await shop.fillCart(buyer, variantId);
    const kindOf = async (change: Record<string, unknown>, caller = buyer) =>
      (await shop.checkout(caller, cart, change)).__typename;
    assert.equal(await kindOf({ idempotencyKey: 'short' }), 'ValidationError');
    assert.equal(await kindOf({ paymentMethodId: ' ' }), 'ValidationError');
    assert.equal(await kindOf({ expectedTotal: '20.001' }), 'ValidationError');
    assert.equal(await kindOf({ cartId: 'crt_nonsense\u0000' }), 'NotFoundError');
    assert.equal(await kindOf({}, newId('User')), 'NotFoundError');
    await shop.data(SELLER, 'mutation ($id: ID!) { archiveProduct(id: $id) { product { id } } }', {
      id: productId,
    });
    assert.equal(await kindOf({}), 'ConflictError');
    const { errors } = await shop.run(null, CHECKOUT, { input: checkoutInput(cart) });
    assert.equal(errors?.[0]?.extensions?.['code'], 'UNAUTHENTICATED');
  });
});
