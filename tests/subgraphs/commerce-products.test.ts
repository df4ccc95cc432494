import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { CREATE, SELLER, startShop, type Shop } from './commerce-shop.ts';

const ERRORS = `userErrors { __typename message field ... on ValidationError { rule } ... on ConflictError { currentVersion } }`;
const UPDATE = `mutation ($id: ID!, $input: UpdateProductInput!, $version: Int!) {
  updateProduct(id: $id, input: $input, expectedVersion: $version) {
    product { title description version priceRange { min { amount } max { amount } } variants { sku title price { amount } } } ${ERRORS} } }`;
const PUBLISH = `mutation ($id: ID!) { publishProduct(id: $id) { product { state } ${ERRORS} } }`;
const ARCHIVE = `mutation ($id: ID!) { archiveProduct(id: $id) { product { state } ${ERRORS} } }`;
const ADJUST = `mutation ($variantId: ID!, $delta: Int!) { adjustStock(variantId: $variantId, delta: $delta) {
  product { variants { stock available } } ${ERRORS} } }`;
const PRODUCT = `query ($id: ID, $slug: String) { product(id: $id, slug: $slug) { id slug state } }`;

const variantInput = { sku: 'ONE', title: 'One', price: '10', stock: 4 };
const productInput = { title: 'Été', kind: 'PRESET', currency: 'EUR', variants: [variantInput] };

describe('products', () => {
  let shop: Shop;
  before(async () => void (shop = await startShop()));
  after(() => shop.close());

  const create = async (change: object = {}) =>
    (await shop.data(SELLER, CREATE, { input: { ...productInput, ...change } })).createProduct;
  const rulesOf = async (change: object) => {
    const { userErrors } = await create(change);
    return userErrors.map(
      ({ __typename, rule }: { __typename: string; rule?: string }) => rule ?? __typename,
    );
  };
  const eventsOf = async (id: string) =>
    (await shop.open.foundation.events.read(`product:${id}`)).map(({ name }) => name);

  it('are drafts that only their seller sees, until they are published', async () => {
    const { product } = await create();
    assert.deepEqual([product.state, product.version], ['DRAFT', 1]);
    assert.match(product.slug, /^ete-[0-9a-z]{8}$/);
    const seenBy = async (caller: string | null, by: Record<string, string>) =>
      (await shop.data(caller, PRODUCT, by)).product;
    assert.equal(await seenBy(null, { id: product.id }), null);
    assert.equal((await seenBy(SELLER, { id: product.id })).state, 'DRAFT');
    const twice = await Promise.all([1, 2].map(() => shop.data(SELLER, PUBLISH, { id: product.id })));
    for (const { publishProduct } of twice) assert.equal(publishProduct.product.state, 'PUBLISHED');
    assert.equal((await seenBy(null, { slug: product.slug })).id, product.id);
    assert.deepEqual(await eventsOf(product.id), ['product.published']);
    assert.equal(
      (await shop.data(SELLER, ARCHIVE, { id: product.id })).archiveProduct.product.state,
      'ARCHIVED',
    );
    assert.equal(await seenBy(null, { id: product.id }), null);
    assert.deepEqual(await eventsOf(product.id), ['product.published', 'product.archived']);
  });

  it('refuse what breaks a rule', async () => {
    assert.deepEqual(await rulesOf({ title: ' ' }), ['REQUIRED']);
    assert.deepEqual(await rulesOf({ title: 'x'.repeat(121), description: 'x'.repeat(5_001) }), [
      'TOO_LONG',
      'TOO_LONG',
    ]);
    assert.deepEqual(await rulesOf({ currency: 'DOGE' }), ['UNKNOWN_CURRENCY']);
    assert.deepEqual(await rulesOf({ variants: [] }), ['OUT_OF_RANGE']);
    assert.deepEqual(await rulesOf({ variants: [{ ...variantInput, price: '1000000.01' }] }), [
      'OUT_OF_RANGE',
    ]);
    assert.deepEqual(await rulesOf({ variants: [variantInput, variantInput] }), ['DUPLICATE_SKU']);
    assert.deepEqual(await rulesOf({ trackId: newId('Track') }), ['NotFoundError']);
    assert.deepEqual(await rulesOf({ trackId: 'nonsense' }), ['NotFoundError']);
    const { errors } = await shop.run(SELLER, CREATE, {
      input: { ...productInput, variants: [{ ...variantInput, price: 10 }] },
    });
    assert.match(errors?.[0]?.message ?? '', /Decimal must be a string/);
  });

  it('are changed by their seller, from the version they know', async () => {
    const { productId: id, variantId } = await shop.sell({ price: '20' });
    const input = {
      title: 'New',
      variants: [{ id: variantId, price: '8.5' }],
      addVariants: [{ ...variantInput, sku: 'TWO', price: '30' }],
    };
    const update = async (caller: string, version: number, change: object = input) =>
      (await shop.data(caller, UPDATE, { id, input: change, version })).updateProduct;
    const { product } = await update(SELLER, 1);
    assert.deepEqual([product.title, product.version], ['New', 2]);
    assert.deepEqual(product.priceRange, { min: { amount: '8.50' }, max: { amount: '30.00' } });
    assert.deepEqual(
      product.variants.map(({ sku }: { sku: string }) => sku),
      ['ONE', 'TWO'],
    );
    const [stale] = (await update(SELLER, 1, { title: 'Newer' })).userErrors;
    assert.deepEqual([stale.__typename, stale.currentVersion], ['ConflictError', 2]);
    assert.equal((await update(newId('User'), 2)).userErrors[0].__typename, 'ForbiddenError');
    const foreign = { variants: [{ id: newId('ProductVariant'), price: '1' }] };
    assert.equal((await update(SELLER, 2, foreign)).userErrors[0].rule, 'UNKNOWN_VARIANT');
    assert.equal((await update(SELLER, 2, { title: null })).userErrors[0].rule, 'REQUIRED');
    assert.deepEqual(await eventsOf(id), ['product.published', 'product.updated']);
    const race = await Promise.all([1, 2, 3].map((n) => update(SELLER, 2, { title: `Title ${n}` })));
    assert.equal(race.filter((result) => result.product !== null).length, 1);
  });

  it('have a stock that never falls below nothing', async () => {
    const { productId, variantId } = await shop.sell({ stock: 3 });
    const adjust = async (delta: number, caller = SELLER, id = variantId) =>
      (await shop.data(caller, ADJUST, { variantId: id, delta })).adjustStock;
    const race = await Promise.all(Array.from({ length: 5 }, () => adjust(-1)));
    assert.equal(race.filter(({ product }) => product !== null).length, 3);
    assert.deepEqual((await adjust(2)).product.variants, [{ stock: 2, available: true }]);
    assert.equal((await adjust(0)).userErrors[0].rule, 'OUT_OF_RANGE');
    assert.equal((await adjust(1_000_000)).userErrors[0].rule, 'OUT_OF_RANGE');
    assert.equal((await adjust(1, newId('User'))).userErrors[0].__typename, 'ForbiddenError');
    assert.equal((await adjust(1, SELLER, 'pvr_x')).userErrors[0].__typename, 'NotFoundError');
    const endless = await shop.sell();
    assert.equal((await adjust(1, SELLER, endless.variantId)).userErrors[0].rule, 'UNLIMITED');
    const exclusive = await shop.sell({ exclusive: true });
    assert.equal((await adjust(1, SELLER, exclusive.variantId)).userErrors[0].rule, 'EXCLUSIVE');
    assert.equal((await eventsOf(productId)).filter((name) => name === 'product.stockAdjusted').length, 4);
  });

  it('are read with one query for any number of references', async () => {
    const products = [await shop.sell(), await shop.sell(), await shop.sell()];
    const representations = products.map(({ productId: id }) => ({ __typename: 'Product', id }));
    const query = `query ($representations: [_Any!]!) { _entities(representations: $representations) { ... on Product { title } } }`;
    const { result, queries } = await shop.open.foundation.database.countQueries(() =>
      shop.data(null, query, {
        representations: [...representations, { __typename: 'Product', id: 'prd_x' }],
      }),
    );
    assert.equal(queries.length, 1);
    assert.deepEqual(
      result._entities.map((product: object | null) => product !== null),
      [true, true, true, false],
    );
  });
});
