import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { CREATE, SELLER, startShop, type Shop } from './commerce-shop.ts';

const TRACK = `query ($representations: [_Any!]!) { _entities(representations: $representations) {
  ... on Track { viewerOwns products { nodes { id } } } } }`;

describe('tracks in the shop', () => {
  let shop: Shop;
  before(async () => void (shop = await startShop()));
  after(() => shop.close());

  let published = 0;
  /** What the stream subgraph tells of a track, as it arrives over the durable bus. */
  const tell = async (name: 'track.published' | 'track.deleted', trackId: string, artistId: string) => {
    const facts = {
      title: 'T',
      description: null,
      genre: null,
      tags: [],
      visibility: 'PUBLIC',
      durationMs: null,
    };
    const seq = name === 'track.published' ? 1 : 2;
    await shop.durableBus.publish({
      ...{ id: newId('Event'), name, version: 1, stream: `track:${trackId}`, seq },
      ...{ at: new Date().toISOString(), actorId: artistId, correlationId: null },
      payload: { trackId, artistId, ...(name === 'track.published' ? facts : {}) },
    });
    published += 1;
    await handled(published);
  };
  /** Resolves once the inbox has nothing left to do; the condition is the inbox itself, looked at again and again. */
  const handled = async (count: number): Promise<void> => {
    const done = await shop.rows(`select 1 from inbox where state = 'done'`);
    if (done.length >= count) return;
    await new Promise((resolve) => setImmediate(resolve));
    return handled(count);
  };
  const publishedTrack = async (artistId = SELLER) => {
    const trackId = newId('Track');
    await tell('track.published', trackId, artistId);
    return trackId;
  };
  const seenBy = async (caller: string | null, trackId: string) => {
    const representations = [{ __typename: 'Track', id: trackId }];
    return (await shop.data(caller, TRACK, { representations }))._entities[0];
  };

  it('are sold by their artist alone', async () => {
    const trackId = await publishedTrack(newId('User'));
    const variants = [{ sku: 'A', title: 'A', price: '1' }];
    const input = { title: 'Theirs', kind: 'BEAT', currency: 'EUR', trackId, variants };
    const { userErrors } = (await shop.data(SELLER, CREATE, { input })).createProduct;
    assert.equal(userErrors[0].__typename, 'ForbiddenError');
  });

  it('list what is made of each of them with one SQL query for all', async () => {
    const trackIds = [await publishedTrack(), await publishedTrack(), newId('Track')];
    const [first, second] = [
      await shop.sell({ trackId: trackIds[0] }),
      await shop.sell({ trackId: trackIds[1] }),
    ];
    const representations = trackIds.map((id) => ({ __typename: 'Track', id }));
    const query = TRACK.replace('viewerOwns products', 'products(first: 10)');
    const { result, queries } = await shop.open.foundation.database.countQueries(() =>
      shop.data(null, query, { representations }),
    );
    assert.equal(queries.length, 1);
    assert.deepEqual(
      result._entities.map((track: { products: { nodes: { id: string }[] } }) => track.products.nodes),
      [[{ id: first.productId }], [{ id: second.productId }], []],
    );
  });

  it('are owned by whoever holds a licence', async () => {
    const [buyer, trackId] = [newId('User'), await publishedTrack()];
    const { productId, variantId } = await shop.sell({ trackId, kind: 'TRACK_DOWNLOAD' });
    assert.deepEqual(await seenBy(buyer, trackId), {
      viewerOwns: false,
      products: { nodes: [{ id: productId }] },
    });
    await shop.buy(buyer, variantId);
    assert.equal((await seenBy(buyer, trackId)).viewerOwns, true);
    assert.equal((await seenBy(null, trackId)).viewerOwns, false);
    assert.deepEqual(await seenBy(buyer, newId('Track')), { viewerOwns: false, products: { nodes: [] } });
  });

  it('are asked about with one query for any number of them', async () => {
    const representations = Array.from({ length: 5 }, () => ({ __typename: 'Track', id: newId('Track') }));
    const query = TRACK.replace('products { nodes { id } }', '');
    const { queries } = await shop.open.foundation.database.countQueries(() =>
      shop.data(SELLER, query, { representations }),
    );
    assert.equal(queries.length, 1);
  });

  it('take what is made of them off sale when they are deleted, for good', async () => {
    const [buyer, trackId] = [newId('User'), await publishedTrack()];
    const { productId, variantId } = await shop.sell({ trackId });
    await shop.buy(buyer, variantId);
    await tell('track.deleted', trackId, SELLER);
    const product = (
      await shop.data(SELLER, 'query ($id: ID!) { product(id: $id) { state } }', { id: productId })
    ).product;
    assert.equal(product.state, 'ARCHIVED');
    assert.deepEqual(await seenBy(buyer, trackId), { viewerOwns: true, products: { nodes: [] } });
    const publish = 'mutation ($id: ID!) { publishProduct(id: $id) { userErrors { __typename } } }';
    const { publishProduct } = await shop.data(SELLER, publish, { id: productId });
    assert.deepEqual(publishProduct.userErrors, [{ __typename: 'ConflictError' }]);
    const names = (await shop.open.foundation.events.read(`product:${productId}`)).map(({ name }) => name);
    assert.deepEqual(names, ['product.published', 'product.archived']);
  });
});
