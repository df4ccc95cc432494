import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DEMO_TRACKS, DEMO_USERS } from '#platform/demo.ts';
import { newId } from '#platform/ids.ts';
import { play, recordPlays, startAnalytics, trackTold, type TestAnalytics } from './analytics-kit.ts';

const ENTITIES = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on User { id playCount }
    ... on Track { id playCount plays24h }
    ... on Room { id messageCount24h }
    ... on Product { id unitsSold }
  }
}`;

describe('entities of the analytics subgraph', () => {
  let analytics: TestAnalytics;
  const artist = newId('User');
  before(async () => void (analytics = await startAnalytics()));
  after(() => analytics.close());

  const resolve = async (representations: object[]) =>
    (await analytics.data(null, ENTITIES, { representations }))._entities;
  const references = (__typename: 'User' | 'Track' | 'Room' | 'Product', count: number) =>
    Array.from({ length: count }, () => ({ __typename, id: newId(__typename) }));

  it('answer a hundred references of each type with one SQL query, in the order asked for [S05]', async () => {
    for (const type of ['User', 'Track', 'Room', 'Product'] as const) {
      const representations = references(type, 100);
      const run = () => resolve([...representations, ...representations]);
      const { result, queries } = await analytics.open.foundation.database.countQueries(run);
      assert.equal(queries.length, 1, type);
      assert.deepEqual(
        result.map(({ id }: { id: string }) => id),
        [...representations, ...representations].map(({ id }) => id),
      );
    }
  });

  it('never fail for ids that nobody knows, and are null for malformed ones', async () => {
    const [user, track, room, product] = (['User', 'Track', 'Room', 'Product'] as const).map(
      (type) => references(type, 1)[0]!,
    );
    assert.deepEqual(
      await resolve([user!, track!, room!, product!, { __typename: 'Track', id: 'a\u0000"b' }]),
      [
        { id: user!.id, playCount: 0 },
        { id: track!.id, playCount: 0, plays24h: 0 },
        { id: room!.id, messageCount24h: null },
        { id: product!.id, unitsSold: 0 },
        null,
      ],
    );
  });

  it("leave PRIVATE and deleted tracks out of a person's plays", async () => {
    const someone = newId('User');
    const visibilities = ['PUBLIC', 'UNLISTED', 'PRIVATE', 'PUBLIC'] as const;
    const ids = visibilities.map(() => newId('Track'));
    for (const [index, id] of ids.entries())
      await analytics.tell(
        'track.published',
        `track:${id}`,
        trackTold(id, someone, { visibility: visibilities[index] }),
      );
    await analytics.tell('track.deleted', `track:${ids[3]}`, { trackId: ids[3]!, artistId: someone });
    await analytics.settled();
    await recordPlays(
      analytics,
      artist,
      ids.map((id) => play(id)),
    );
    assert.deepEqual(await resolve([{ __typename: 'User', id: someone }]), [{ id: someone, playCount: 2 }]);
  });

  it('count the messages of a day in rooms that are not PRIVATE, each once', async () => {
    const [open, closed] = [newId('Room'), newId('Room')];
    for (const [roomId, visibility] of [
      [open, 'PUBLIC'],
      [closed, 'PRIVATE'],
    ] as const)
      await analytics.tell('room.created', `room:${roomId}`, {
        roomId,
        kind: 'CHANNEL',
        name: 'x',
        topic: null,
        visibility,
        ownerId: artist,
      });
    const write = (roomId: string, agoMs: number, more: object = {}) =>
      analytics.tell(
        'message.created',
        `room:${roomId}`,
        { roomId, messageId: newId('Message'), authorId: artist },
        { at: new Date(Date.now() - agoMs).toISOString(), ...more },
      );
    const id = newId('Event');
    await write(open, 25 * 3_600_000);
    await write(open, 23 * 3_600_000);
    await write(open, 1_000, { id, seq: 4 });
    await write(open, 1_000, { id, seq: 4 });
    await write(closed, 1_000);
    await analytics.settled();
    const counted = await resolve([open, closed].map((room) => ({ __typename: 'Room', id: room })));
    assert.deepEqual(
      counted.map((room: { messageCount24h: number | null }) => room.messageCount24h),
      [2, null],
    );
  });

  it('count units sold by quantity, and take refunds back once', async () => {
    const [ticket, beat] = [newId('Product'), newId('Product')];
    const line = (productId: string, quantity: number) => ({
      productId,
      variantId: 'v',
      sellerId: artist,
      quantity,
      amount: '10.00',
    });
    const order = async (lines: ReturnType<typeof line>[], refunds = 0) => {
      const orderId = newId('Order');
      await analytics.tell('order.paid', `order:${orderId}`, {
        orderId,
        buyerId: artist,
        amount: '10.00',
        currency: 'EUR',
        lines,
      });
      for (let index = 0; index < refunds; index++)
        await analytics.tell('order.stateChanged', `order:${orderId}`, {
          orderId,
          buyerId: artist,
          from: 'PAID',
          to: 'REFUNDED',
          reason: null,
        });
    };
    await Promise.all([
      order([line(ticket, 3), line(beat, 1)]),
      order([line(beat, 1), line(ticket, 2)]),
      order([line(ticket, 4)], 2),
    ]);
    await analytics.settled();
    const sold = await resolve([ticket, beat].map((id) => ({ __typename: 'Product', id })));
    assert.deepEqual(
      sold.map((product: { unitsSold: number }) => product.unitsSold),
      [5, 2],
    );
  });

  it('seed weeks of plays of the demo tracks, once', async () => {
    const fresh = await startAnalytics();
    const { subgraph } = fresh.open;
    for (const { id, artistId, title } of DEMO_TRACKS)
      await fresh.tell('track.published', `track:${id}`, trackTold(id, artistId, { title }));
    await fresh.settled();
    await subgraph.seed();
    const top = async () =>
      (await fresh.data(null, '{ topTracks(period: ALL) { rank plays track { id } } }')).topTracks;
    const first = await top();
    assert.equal(first.length, DEMO_TRACKS.length);
    assert.equal(first[0].track.id, DEMO_TRACKS[0].id);
    await subgraph.seed();
    assert.deepEqual(await top(), first);
    const { topTracks: week } = await fresh.data(null, '{ topTracks { plays } }');
    assert.ok(week[0].plays < first[0].plays);
    const query = `query ($id: ID!) { _entities(representations: [{ __typename: "User", id: $id }]) { ... on User { playCount } } }`;
    const {
      _entities: [mira],
    } = await fresh.data(null, query, { id: DEMO_USERS[0].id });
    assert.ok(mira.playCount > first[0].plays);
    await fresh.close();
  });
});
