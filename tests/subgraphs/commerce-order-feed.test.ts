import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { encodeCursor } from '#platform/events/cursor.ts';
import { newId } from '#platform/ids.ts';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { UPSTREAMS } from '../support/subgraph-upstreams.ts';
import { SELLER, startShop, type Shop } from './commerce-shop.ts';

const FOLLOW = `subscription ($id: ID!, $after: EventCursor) { orderUpdated(orderId: $id, after: $after) {
  __typename cursor seq
  ... on OrderStateChanged { from to reason order { id state } }
  ... on OrderResyncRequired { resync: reason order { state } }
} }`;
const CONFIRM_PAYMENT = 'mutation ($id: ID!) { confirmPayment(orderId: $id) { __typename } }';
const CONFIRM_DELIVERY = 'mutation ($id: ID!) { confirmDelivery(orderId: $id) { order { state } } }';
const BEGINNING = encodeCursor({ epoch: 0, seq: 0 });

for (const upstream of UPSTREAMS)
  describe(`following an order by ${upstream}`, () => {
    let shop: Shop;
    before(async () => void (shop = await startShop({ upstream })));
    after(() => shop.close());

    const waitingOrder = async (buyer: string): Promise<string> => {
      const cart = await shop.fillCart(buyer, (await shop.sell()).variantId);
      return (await shop.checkout(buyer, cart, { paymentMethodId: 'pm_action_required' })).order.id;
    };

    const take = async (stream: ResultStream) => {
      const { value } = await stream.next();
      assert.equal(value?.errors, undefined);
      // oxlint-disable-next-line typescript/no-explicit-any -- the test asserts what it reads
      return (value as any).data.orderUpdated;
    };

    it('replays what happened, then goes on live, without a gap or a duplicate', async () => {
      const buyer = newId('User');
      const id = await waitingOrder(buyer);
      const stream = await shop.subscribe(buyer, FOLLOW, { id, after: BEGINNING });
      const placed = await take(stream);
      assert.deepEqual(
        [placed.from, placed.to, placed.order.state],
        [null, 'PENDING_PAYMENT', 'PENDING_PAYMENT'],
      );
      await shop.data(buyer, CONFIRM_PAYMENT, { id });
      const [paid, fulfilled] = [await take(stream), await take(stream)];
      assert.deepEqual([paid.from, paid.to], ['PENDING_PAYMENT', 'PAID']);
      assert.deepEqual(
        [fulfilled.from, fulfilled.to, fulfilled.order.state],
        ['PAID', 'FULFILLED', 'FULFILLED'],
      );
      await stream.return();
      await shop.data(buyer, CONFIRM_DELIVERY, { id });
      const resumed = await shop.subscribe(buyer, FOLLOW, { id, after: fulfilled.cursor });
      const completed = await take(resumed);
      assert.deepEqual([completed.from, completed.to], ['FULFILLED', 'COMPLETED']);
      assert.ok(completed.seq > fulfilled.seq);
      await resumed.return();
    });

    it('asks for a fresh look where the cursor is of another life of the log', async () => {
      const buyer = newId('User');
      const id = await waitingOrder(buyer);
      const stream = await shop.subscribe(buyer, FOLLOW, { id, after: encodeCursor({ epoch: 1, seq: 1 }) });
      const notice = await take(stream);
      assert.equal(notice.__typename, 'OrderResyncRequired');
      assert.equal(notice.resync, 'EPOCH_CHANGED');
      assert.equal(notice.order.state, 'PENDING_PAYMENT');
      await stream.return();
    });

    it('is for the buyer alone, with cursors of this API', async () => {
      const buyer = newId('User');
      const id = await waitingOrder(buyer);
      await assert.rejects(shop.subscribe(SELLER, FOLLOW, { id }), /NOT_FOUND/);
      await assert.rejects(shop.subscribe(null, FOLLOW, { id }), /UNAUTHENTICATED/);
      await assert.rejects(shop.subscribe(buyer, FOLLOW, { id: 'ord_x' }), /NOT_FOUND/);
      await assert.rejects(shop.subscribe(buyer, FOLLOW, { id, after: 'x' }), /MALFORMED_CURSOR/);
    });
  });
