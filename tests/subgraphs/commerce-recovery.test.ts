import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { checkoutInput, CHECKOUT, startShop, type Shop } from './commerce-shop.ts';

const MINUTE_MS = 60_000;
const CRASHING = fileURLToPath(new URL('commerce-crash-process.ts', import.meta.url));

/** A clock that tests move; it never goes back. */
function createClock() {
  let aheadMs = 0;
  return { now: () => new Date(Date.now() + aheadMs), advance: (ms: number) => void (aheadMs += ms) };
}

describe('the order keeper', () => {
  const clock = createClock();
  let shop: Shop;
  before(async () => void (shop = await startShop({}, clock.now)));
  after(() => shop.close());

  const orderOf = async (buyer: string) => {
    const query = `query ($id: ID!) { _entities(representations: [{ __typename: "Viewer", id: $id }]) { ... on Viewer {
      cart { lines { quantity } }
      orders { nodes { id state licences { id } payments { state } timeline { to reason } } } } } }`;
    const [viewer] = (await shop.data(buyer, query, { id: buyer }))._entities;
    assert.equal(viewer.orders.nodes.length, 1);
    return { ...viewer.orders.nodes[0], cart: viewer.cart };
  };

  const killedAt = async (moment: string) => {
    const buyer = newId('User');
    const { variantId } = await shop.sell({ exclusive: true });
    const input = checkoutInput(await shop.fillCart(buyer, variantId));
    const url = String(shop.open.foundation.database.orm.config.get('clientUrl'));
    const child = spawn(process.execPath, [CRASHING, url, buyer, JSON.stringify(input), moment], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const [, signal] = await once(child, 'exit');
    assert.equal(signal, 'SIGKILL');
    return { buyer, variantId, input };
  };

  for (const moment of ['before authorise', 'after authorise', 'before capture', 'after capture']) {
    it(`finishes an order whose process was killed ${moment}`, async () => {
      const { buyer, variantId } = await killedAt(moment);
      assert.equal((await orderOf(buyer)).state, 'PENDING_PAYMENT');
      clock.advance(MINUTE_MS);
      await shop.keeper.settleDue();
      const order = await orderOf(buyer);
      assert.equal(order.state, 'FULFILLED');
      assert.equal(order.licences.length, 1);
      assert.equal(await shop.stockOf(variantId), 0);
      const [{ taken } = {}] = await shop.rows(
        `select count(*)::text as taken from test_provider_payment p join payment on payment.id = p.key
         where payment.order_id = ? and p.status = 'CAPTURED'`,
        [order.id],
      );
      assert.equal(taken, '1');
    });
  }

  it('is not needed where the buyer sends the same checkout again after a crash', async () => {
    const { buyer, input } = await killedAt('after capture');
    assert.equal((await shop.data(buyer, CHECKOUT, { input })).checkout.__typename, 'OrderPlaced');
    assert.equal((await orderOf(buyer)).licences.length, 1);
  });

  it('asks again after an answer was lost', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell();
    const cart = await shop.fillCart(buyer, variantId);
    const pending = await shop.checkout(buyer, cart, { paymentMethodId: 'pm_timeout' });
    assert.equal(pending.__typename, 'PaymentPending');
    await shop.keeper.settleDue();
    assert.equal((await orderOf(buyer)).state, 'PENDING_PAYMENT');
    clock.advance(MINUTE_MS);
    await shop.keeper.settleDue();
    assert.equal((await orderOf(buyer)).state, 'FULFILLED');
  });

  it('ends an order whose time to pay is over, and frees stock and cart', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell({ exclusive: true });
    const cart = await shop.fillCart(buyer, variantId);
    await shop.checkout(buyer, cart, { paymentMethodId: 'pm_action_pending' });
    clock.advance(29 * MINUTE_MS);
    await shop.keeper.settleDue();
    assert.equal(await shop.stockOf(variantId), 0);
    clock.advance(MINUTE_MS);
    await Promise.all([shop.keeper.settleDue(), shop.keeper.settleDue()]);
    const order = await orderOf(buyer);
    assert.equal(order.state, 'CANCELLED');
    assert.deepEqual(order.payments, [{ state: 'CANCELLED' }]);
    assert.deepEqual(order.timeline.at(-1), { to: 'CANCELLED', reason: 'RESERVATION_EXPIRED' });
    assert.deepEqual(order.cart, { lines: [{ quantity: 1 }] });
    assert.equal(await shop.stockOf(variantId), 1);
    const confirm = 'mutation ($id: ID!) { confirmPayment(orderId: $id) { __typename } }';
    assert.equal(
      (await shop.data(buyer, confirm, { id: order.id })).confirmPayment.__typename,
      'ConflictError',
    );
  });

  it('completes a delivered order after two weeks', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell();
    await shop.buy(buyer, variantId);
    clock.advance(14 * 24 * 60 * MINUTE_MS - MINUTE_MS);
    await shop.keeper.settleDue();
    assert.equal((await orderOf(buyer)).state, 'FULFILLED');
    clock.advance(2 * MINUTE_MS);
    await shop.keeper.settleDue();
    assert.equal((await orderOf(buyer)).state, 'COMPLETED');
  });
});
