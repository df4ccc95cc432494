import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { FormattedExecutionResult } from 'graphql';
import { createLog } from '#platform/log.ts';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import { createReferenceEngine } from '../../../gateway/engine/reference/reference-engine.ts';
import { SHOP_OPERATIONS } from '../../support/federation/shop-operations.ts';
import { shopWithoutContext } from '../../support/federation/shop.ts';
import {
  composeSupergraph,
  createTestEndpoint,
  createTestGateway,
  testScope,
} from '../../support/federation/supergraph.ts';

/** What plain ApolloGateway is known to answer otherwise than one schema would. Each is checked, so that one which is mended is noticed. */
const FAULTS: ReadonlySet<string> = new Set([
  'a known type that an interface object is asked for',
  'one response name with arguments that differ by type',
  'objects of which everything is excluded',
]);

const subgraphs = shopWithoutContext();
const sdl = composeSupergraph(subgraphs);
const gateway = createTestGateway(subgraphs, sdl);
const reference = await createReferenceEngine({
  sdl,
  clients: (name) => createInProcessClient(createTestEndpoint(subgraphs[name] ?? assert.fail(name))),
  log: createLog('test', 'silent'),
});
after(() => Promise.all([gateway.engine.close(), reference.close()]));

for (const [name, query, variables] of SHOP_OPERATIONS) {
  const isFault = FAULTS.has(name);
  test(`${isFault ? 'corrects plain ApolloGateway in' : 'answers as plain ApolloGateway does'}: ${name}`, async () => {
    const theirs: FormattedExecutionResult = await reference.execute({ query, variables }, testScope());
    const ours = await gateway.query(query, variables);
    const [expected, actual] = [JSON.stringify(theirs.data), JSON.stringify(ours.data)];
    if (isFault) assert.notEqual(actual, expected);
    else assert.equal(actual, expected);
  });
}
