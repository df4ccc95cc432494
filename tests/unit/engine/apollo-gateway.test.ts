import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ApolloServer } from '@apollo/server';
import type { FormattedExecutionResult } from 'graphql';
import { createApolloGateway } from '../../../gateway/engine/apollo-gateway.ts';
import type { EngineScope } from '../../../gateway/engine/engine.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { createTestGateway, testScope } from '../../support/federation/supergraph.ts';

/** What the client gets. */
const plain = (result: object): FormattedExecutionResult => JSON.parse(JSON.stringify(result));

test('Apollo Server answers through the engine, errors included, and follows a swap', async () => {
  const { engine, replaced } = createTestGateway(shopSubgraphs());
  const gateway = createApolloGateway(engine, ({ context }) => context as EngineScope);
  const server = new ApolloServer({ gateway, includeStacktraceInErrorResponses: false });
  await server.start();
  const ask = async (query: string) => {
    const { body } = await server.executeOperation({ query }, { contextValue: testScope() });
    assert.equal(body.kind, 'single');
    return body.kind === 'single' ? plain(body.singleResult) : {};
  };
  assert.deepEqual(await ask('{ a: me { name } __schema { queryType { name } } }'), {
    data: { a: { name: 'Ada' }, __schema: { queryType: { name: 'Query' } } },
  });
  replaced.set('reviews', async () => ({ errors: [{ message: 'down', extensions: { code: 'BUSY' } }] }));
  const { data, errors } = await ask('{ me { name reviews { id } } }');
  assert.deepEqual(data, { me: { name: 'Ada', reviews: null } });
  assert.deepEqual(
    errors?.map(({ message, extensions, path }) => [message, extensions?.['code'], path]),
    [['down', 'BUSY', ['me']]],
  );
  engine.swap(engine.supergraphSdl.replaceAll('pages: Int', 'leaves: Int'));
  assert.deepEqual((await ask('{ __type(name: "Book") { fields { name } } }')).errors, undefined);
  assert.match(
    String((await ask('{ products { ... on Book { pages } } }')).errors?.[0]?.message),
    /Cannot query/,
  );
  await server.stop();
});
