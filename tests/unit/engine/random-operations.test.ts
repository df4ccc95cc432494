import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import { assertSame, differentialOf } from '../../support/federation/differential.ts';
import { VARIABLES } from '../../support/federation/random-arguments.ts';
import { randomOperation } from '../../support/federation/random-operation.ts';
import { randomSupergraph } from '../../support/federation/random-supergraph.ts';
import { subgraphsOver } from '../../support/federation/shared-data.ts';
import { SHOP_DATA, shopSubgraphs } from '../../support/federation/shop.ts';
import { createTestEndpoint, createTestGateway } from '../../support/federation/supergraph.ts';
import { seededRandom } from '../../support/random.ts';

/** Operations over random supergraphs. The fixed shop, which is planned ten times as slowly, gets a quarter as many. */
const CASES = Number(process.env['CASES'] ?? 3_000);
const CASES_PER_SUPERGRAPH = 50;
/** Fixed, so that a change fails for what it does and not for what a new seed finds; `SEED=$RANDOM` explores. */
const SEED = Number(process.env['SEED'] ?? 101);

/** Its argument comes from a context, which the merged schema does not have. */
const options = { maxDepth: 3, without: new Set(['Box.label']) };

test('random operations over every kind of federation answer as one schema over the same data would', async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const random = seededRandom(SEED);
  const gateway = createTestGateway(shopSubgraphs());
  const differential = differentialOf(gateway, SHOP_DATA, VARIABLES);
  for (let i = 0; i < CASES / 4; i++) {
    const text = randomOperation(gateway.engine.apiSchema, random, { ...options, isMutation: i % 10 === 0 });
    await assertSame(differential, text, `SEED=${SEED}, case ${i}`);
  }
});

test('random operations over random supergraphs with injected errors answer as one schema would', async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const random = seededRandom(SEED + 1);
  for (let i = 0; i < CASES;) {
    const { sdls, data, isFederation1 } = randomSupergraph(random);
    const gateway = createTestGateway(subgraphsOver(data, sdls, isFederation1), undefined, { random });
    const differential = differentialOf(gateway, data, VARIABLES);
    for (const end = i + CASES_PER_SUPERGRAPH; i < end; i++) {
      const isMutation = i % 10 === 0;
      const text = randomOperation(gateway.engine.apiSchema, random, {
        maxDepth: 4,
        without: new Set(),
        isMutation,
      });
      const context = `SEED=${SEED}, case ${i}, ${JSON.stringify(sdls, null, 1)}`;
      await assertSame(differential, text, context);
    }
    await gateway.engine.close();
  }
});

test('random operations over chains of @requires answer as one schema would', async (t) => {
  t.diagnostic(`SEED=${SEED}`);
  const random = seededRandom(SEED + 2);
  for (let i = 0; i < CASES / 3;) {
    const { sdls, data, isFederation1 } = randomSupergraph(random, { hasChains: true });
    const gateway = createTestGateway(subgraphsOver(data, sdls, isFederation1), undefined, { random });
    const differential = differentialOf(gateway, data, VARIABLES);
    for (const end = i + CASES_PER_SUPERGRAPH; i < end; i++) {
      const text = randomOperation(gateway.engine.apiSchema, random, { maxDepth: 4, without: new Set() });
      await assertSame(differential, text, `SEED=${SEED}, case ${i}, ${JSON.stringify(sdls, null, 1)}`);
    }
    await gateway.engine.close();
  }
});

test('a wrong answer is found, and told with a small operation', async () => {
  const gateway = createTestGateway(shopSubgraphs());
  const reviews = createTestEndpoint(shopSubgraphs()['reviews'] ?? assert.fail());
  const { fetch } = createInProcessClient(reviews);
  gateway.replaced.set('reviews', async (request) =>
    JSON.parse(JSON.stringify(await fetch(request)).replaceAll('"Good"', '"Well"')),
  );
  const differential = differentialOf(gateway, SHOP_DATA, {});
  const query =
    '{ users { id name ... on User { email friends { name } r: reviews { stars body } } } me { name } }';
  await assert.rejects(assertSame(differential, query, 'SEED=1'), ({ message }: Error) => {
    assert.match(message, /^SEED=1\n\{\s+users \{\s+reviews \{\s+body\s+\}\s+\}\s+\}\nexpected/);
    return true;
  });
});
