import assert from 'node:assert/strict';
import { test } from 'node:test';
import { referenceAnswer } from '../../support/federation/shared-data.ts';
import { SHOP_DATA, shopSubgraphs } from '../../support/federation/shop.ts';
import { SHOP_OPERATIONS } from '../../support/federation/shop-operations.ts';
import { createTestGateway } from '../../support/federation/supergraph.ts';

const gateway = createTestGateway(shopSubgraphs());

for (const [name, query, variables] of SHOP_OPERATIONS) {
  test(`answers as one schema would: ${name}`, async () => {
    const expected = await referenceAnswer(gateway.engine.apiSchema, SHOP_DATA, query, variables);
    const actual = await gateway.query(query, variables);
    assert.equal(JSON.stringify(actual.data), JSON.stringify(expected.data));
    assert.deepEqual(placesOf(actual.errors), placesOf(expected.errors));
  });
}

// The merged schema has no such argument, so this one is compared with what it must be.
test('passes arguments from the context of each entity, also where one entity is met in two contexts', async () => {
  const { data } = await gateway.query('{ me { parcels { box { label } boxes { id label } } } }');
  const care = (id: string) => ({ id, label: 'with care' });
  assert.deepEqual(data?.['me'], {
    parcels: [
      { box: { label: 'with care' }, boxes: [care('x1'), care('x2')] },
      { box: { label: 'as it comes' }, boxes: [] },
    ],
  });
});

const placesOf = (errors: readonly { path?: readonly (string | number)[] }[] = []) =>
  errors.map(({ path }) => path?.join('.')).sort();
