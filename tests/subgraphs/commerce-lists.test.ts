import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import type { FormattedExecutionResult } from 'graphql';
import { startShop, type OnSale, type Shop } from './commerce-shop.ts';

interface Listed {
  readonly nodes: { readonly id: string }[];
  readonly pageInfo: {
    readonly endCursor: string;
    readonly startCursor: string;
    readonly hasNextPage: boolean;
  };
}

const PAGE = `{ nodes { id } pageInfo { endCursor startCursor hasNextPage hasPreviousPage } }`;
const codeOf = ({ errors }: FormattedExecutionResult) => errors?.[0]?.extensions?.['code'];

describe('lists of products', () => {
  let shop: Shop;
  const seller = newId('User');
  const onSale: Record<string, OnSale> = {};
  before(async () => {
    shop = await startShop();
    onSale['cheap'] = await shop.sell({ seller, price: '2', kind: 'STEMS' });
    onSale['dear'] = await shop.sell({ seller, price: '100', kind: 'BEAT' });
    onSale['same'] = await shop.sell({ seller, price: '2', kind: 'BEAT' });
    onSale['yen'] = await shop.sell({ seller, price: '900', currency: 'JPY', kind: 'TICKET' });
    onSale['middle'] = await shop.sell({ seller, price: '9.99', kind: 'PRESET' });
  });
  after(() => shop.close());

  const list = async (args: string): Promise<Listed> =>
    (await shop.data(null, `{ products(${args}) ${PAGE} }`)).products;
  const namesOf = ({ nodes }: Listed) =>
    nodes.map(({ id }) => Object.keys(onSale).find((name) => onSale[name]!.productId === id));

  it('go from the newest on, filtered by kind and price', async () => {
    assert.deepEqual(namesOf(await list('first: 10')), ['middle', 'yen', 'same', 'dear', 'cheap']);
    assert.deepEqual(namesOf(await list('filter: { kind: BEAT }')), ['same', 'dear']);
    assert.deepEqual(namesOf(await list('filter: { minPrice: "2.00", maxPrice: "9.99" }')), [
      'middle',
      'same',
      'cheap',
    ]);
    assert.deepEqual(namesOf(await list('filter: { currency: "JPY" }')), ['yen']);
  });

  it('go by price in both directions, one currency at a time, page by page', async () => {
    const first = await list('sort: PRICE_ASC, first: 3');
    assert.equal(first.pageInfo.hasNextPage, true);
    const rest = await list(`sort: PRICE_ASC, first: 3, after: "${first.pageInfo.endCursor}"`);
    assert.deepEqual([...namesOf(first), ...namesOf(rest)], ['cheap', 'same', 'middle', 'dear']);
    const back = await list(`sort: PRICE_ASC, last: 2, before: "${rest.pageInfo.startCursor}"`);
    assert.deepEqual(namesOf(back), ['same', 'middle']);
    assert.deepEqual(namesOf(await list('sort: PRICE_DESC')), ['dear', 'middle', 'same', 'cheap']);
  });

  it('refuse pages and bounds that make no sense', async () => {
    const cursor = (...key: unknown[]) => Buffer.from(JSON.stringify(key)).toString('base64url');
    const id = onSale['cheap']!.productId;
    for (const args of [
      'first: 0',
      'first: -1',
      'first: 101',
      'first: 1, last: 1',
      'after: "x"',
      `after: "${cursor('x', id)}"`,
      `after: "${cursor('200', id)}"`,
      `sort: PRICE_ASC, after: "${cursor('2026-01-01T00:00:00.000Z', id)}"`,
      `after: "${cursor('2026-01-01T00:00:00.000Z', 'prd_\u0000')}"`,
      'filter: { currency: "XXX" }',
      'filter: { minPrice: "2", maxPrice: "1" }',
      'filter: { minPrice: "0.001" }',
    ])
      assert.equal(codeOf(await shop.run(null, `{ products(${args}) ${PAGE} }`)), 'BAD_USER_INPUT', args);
    assert.equal(codeOf(await shop.run(null, '{ product { id } }')), 'BAD_USER_INPUT');
    const empty = await list(`after: "${cursor('2000-01-01T00:00:00.000Z', id)}"`);
    assert.deepEqual(empty.nodes, []);
  });

  it('belong to their seller, who sees drafts and archived ones too', async () => {
    const archive = 'mutation ($id: ID!) { archiveProduct(id: $id) { product { id } } }';
    const other = newId('User');
    const [first, second] = [await shop.sell({ seller: other }), await shop.sell({ seller: other })];
    await shop.data(other, archive, { id: first.productId });
    const query = `query ($id: ID!) { _entities(representations: [{ __typename: "User", id: $id }]) { ... on User { products { nodes { id } } } } }`;
    const idsFor = async (caller: string | null) =>
      (await shop.data(caller, query, { id: other }))._entities[0].products.nodes.map(
        (node: { id: string }) => node.id,
      );
    assert.deepEqual(await idsFor(null), [second.productId]);
    assert.deepEqual(await idsFor(other), [second.productId, first.productId]);
  });
});
