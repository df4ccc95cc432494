import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { testPaymentProvider } from '../../subgraphs/commerce/data/test-payment-provider.ts';
import type { PaymentProvider } from '../../subgraphs/commerce/domain/ports.ts';
import { SELLER, startShop, type Shop } from './commerce-shop.ts';

const ERRORS = `userErrors { __typename message field }`;
const REFUND = `mutation ($input: RefundOrderInput!) { refundOrder(input: $input) {
  order { id state refunds { state reason amount { amount } } licences { revokedAt } timeline { to reason } } ${ERRORS} } }`;
const CANCEL = `mutation ($id: ID!) { cancelOrder(id: $id) { order { id state } ${ERRORS} } }`;
const CONFIRM = `mutation ($id: ID!) { confirmDelivery(orderId: $id) { order { state } ${ERRORS} } }`;
const ORDER = `query ($id: ID!) { order(id: $id) { state buyer { id } total { amount } lines { title seller { id } variant { product { title } } }
  payments { state } licences { serial } } }`;
const ADMIN = { userId: newId('User'), sessionId: 'ses_test', roles: ['USER', 'ADMIN'] };

describe('orders', () => {
  let silent = false;
  const sometimesSilent = (provider: PaymentProvider): PaymentProvider => ({
    ...provider,
    refund: (request) => (silent ? new Promise(() => undefined) : provider.refund(request)),
    cancel: (key) => (silent ? new Promise(() => undefined) : provider.cancel(key)),
  });
  let shop: Shop;
  before(async () => {
    shop = await startShop({
      paymentProvider: (database) => sometimesSilent(testPaymentProvider(database)),
      providerTimeoutMs: 1_000,
    });
  });
  after(() => shop.close());

  const refund = async (caller: Parameters<Shop['run']>[0], orderId: string, change = {}) => {
    const input = { orderId, reason: 'Wrong key', idempotencyKey: randomUUID(), ...change };
    return (await shop.data(caller, REFUND, { input })).refundOrder;
  };

  it('are seen by their buyer and, in part, by their sellers alone', async () => {
    const [buyer, second] = [newId('User'), newId('User')];
    const [one, two] = [await shop.sell({ price: '20' }), await shop.sell({ price: '5', seller: second })];
    await shop.fillCart(buyer, one.variantId);
    const { order } = await shop.checkout(buyer, await shop.fillCart(buyer, two.variantId));
    const seenBy = async (caller: string) => (await shop.data(caller, ORDER, { id: order.id })).order;
    const whole = await seenBy(buyer);
    assert.equal(whole.total.amount, '25.00');
    assert.equal(whole.lines.length, 2);
    assert.equal(whole.licences.length, 2);
    const part = await seenBy(second);
    assert.equal(part.total.amount, '5.00');
    assert.deepEqual(
      part.lines.map((line: { seller: { id: string } }) => line.seller.id),
      [second],
    );
    assert.deepEqual([part.payments, part.licences], [[], []]);
    assert.equal(await seenBy(newId('User')), null);
    assert.equal((await shop.data(buyer, ORDER, { id: 'ord_nonsense' })).order, null);
  });

  it('end when their buyer cancels them before payment', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell({ exclusive: true });
    const cart = await shop.fillCart(buyer, variantId);
    const { order } = await shop.checkout(buyer, cart, { paymentMethodId: 'pm_action_pending' });
    const cancel = async (caller: string) => (await shop.data(caller, CANCEL, { id: order.id })).cancelOrder;
    assert.equal((await cancel(SELLER)).userErrors[0].__typename, 'NotFoundError');
    assert.equal((await cancel(buyer)).order.state, 'CANCELLED');
    assert.equal((await cancel(buyer)).order.state, 'CANCELLED');
    assert.equal(await shop.stockOf(variantId), 1);
    const paid = await shop.checkout(buyer, cart);
    const late = (await shop.data(buyer, CANCEL, { id: paid.order.id })).cancelOrder;
    assert.equal(late.userErrors[0].__typename, 'ConflictError');
  });

  it('stay as they are where the provider does not answer a cancellation', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell();
    const cart = await shop.fillCart(buyer, variantId);
    const { order } = await shop.checkout(buyer, cart, { paymentMethodId: 'pm_action_pending' });
    silent = true;
    const { cancelOrder } = await shop.data(buyer, CANCEL, { id: order.id }).finally(() => (silent = false));
    assert.equal(cancelOrder.userErrors[0].__typename, 'ConflictError');
    assert.equal((await shop.data(buyer, ORDER, { id: order.id })).order.state, 'PENDING_PAYMENT');
  });

  it('are completed by their buyer', async () => {
    const buyer = newId('User');
    const { id } = await shop.buy(buyer, (await shop.sell()).variantId);
    const confirm = async (caller: string) => (await shop.data(caller, CONFIRM, { id })).confirmDelivery;
    assert.equal((await confirm(SELLER)).userErrors[0].__typename, 'NotFoundError');
    assert.equal((await confirm(buyer)).order.state, 'COMPLETED');
    assert.equal((await confirm(buyer)).order.state, 'COMPLETED');
  });

  it('are refunded by their seller: money, licences and stock go back once', async () => {
    const buyer = newId('User');
    const { variantId } = await shop.sell({ exclusive: true });
    const { id } = await shop.buy(buyer, variantId);
    const idempotencyKey = randomUUID();
    const results = await Promise.all([1, 2, 3].map(() => refund(SELLER, id, { idempotencyKey })));
    for (const { order } of results) assert.equal(order.state, 'REFUNDED');
    const { refunds, timeline } = results[0].order;
    assert.deepEqual(refunds, [{ state: 'SUCCEEDED', reason: 'Wrong key', amount: { amount: '20.00' } }]);
    assert.deepEqual(timeline.at(-1), { to: 'REFUNDED', reason: 'Wrong key' });
    assert.equal(await shop.stockOf(variantId), 1);
    const again = await refund(SELLER, id);
    assert.equal(again.userErrors[0].__typename, 'ConflictError');
    const otherReason = await refund(SELLER, id, { idempotencyKey, reason: 'Another' });
    assert.equal(otherReason.userErrors[0].__typename, 'ConflictError');
    const mine = `query ($id: ID!) { _entities(representations: [{ __typename: "Viewer", id: $id }]) { ... on Viewer { licences { nodes { id } } } } }`;
    assert.deepEqual((await shop.data(buyer, mine, { id: buyer }))._entities[0].licences.nodes, []);
    assert.equal((await shop.buy(newId('User'), variantId)).state, 'FULFILLED');
  });

  it('are not refunded by their buyer, by strangers, or by the seller of a part', async () => {
    const [buyer, second] = [newId('User'), newId('User')];
    const [one, two] = [await shop.sell(), await shop.sell({ seller: second })];
    await shop.fillCart(buyer, one.variantId);
    const { order } = await shop.checkout(buyer, await shop.fillCart(buyer, two.variantId));
    const refusalOf = async (caller: string) => (await refund(caller, order.id)).userErrors[0].__typename;
    assert.equal(await refusalOf(buyer), 'ForbiddenError');
    assert.equal(await refusalOf(second), 'ForbiddenError');
    assert.equal(await refusalOf(newId('User')), 'NotFoundError');
    assert.equal((await refund(ADMIN, 'ord_nonsense')).userErrors[0].__typename, 'NotFoundError');
    assert.equal(
      (await refund(ADMIN, order.id, { idempotencyKey: 'x' })).userErrors[0].__typename,
      'ValidationError',
    );
    assert.equal((await refund(ADMIN, order.id)).order.state, 'REFUNDED');
  });

  it('wait with a refund until the provider answers', async () => {
    const { id } = await shop.buy(newId('User'), (await shop.sell()).variantId);
    const idempotencyKey = randomUUID();
    silent = true;
    const waiting = await refund(SELLER, id, { idempotencyKey }).finally(() => (silent = false));
    assert.equal(waiting.order.state, 'FULFILLED');
    assert.equal(waiting.order.refunds[0].state, 'PENDING');
    const { order } = await refund(SELLER, id, { idempotencyKey });
    assert.equal(order.state, 'REFUNDED');
    assert.equal(order.refunds.length, 1);
  });

  it('reach the lists of buyer and seller, page by page in both directions', async () => {
    const [buyer, seller] = [newId('User'), newId('User')];
    const bought: string[] = [];
    for (const price of ['1', '2', '3'])
      bought.unshift((await shop.buy(buyer, (await shop.sell({ seller, price })).variantId)).id);
    const idsOf = async (caller: string, list: string, args: string) => {
      const query = `query ($id: ID!) { _entities(representations: [{ __typename: "Viewer", id: $id }]) {
        ... on Viewer { ${list}(${args}) { nodes { id } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } } } } }`;
      const page = (await shop.data(caller, query, { id: caller }))._entities[0][list];
      return { ids: page.nodes.map((node: { id: string }) => node.id), ...page.pageInfo };
    };
    for (const [caller, list] of [
      [buyer, 'orders'],
      [seller, 'sales'],
    ] as const) {
      const first = await idsOf(caller, list, 'first: 2');
      assert.deepEqual(first.ids, bought.slice(0, 2));
      const rest = await idsOf(caller, list, `first: 2, after: "${first.endCursor}"`);
      assert.deepEqual([rest.ids, rest.hasNextPage], [bought.slice(2), false]);
      const back = await idsOf(caller, list, `last: 1, before: "${rest.startCursor}"`);
      assert.deepEqual([back.ids, back.hasPreviousPage], [bought.slice(1, 2), true]);
    }
    const other = `query ($id: ID!) { _entities(representations: [{ __typename: "Viewer", id: $id }]) { ... on Viewer { id } } }`;
    assert.deepEqual((await shop.data(seller, other, { id: buyer }))._entities, [null]);
  });
});
