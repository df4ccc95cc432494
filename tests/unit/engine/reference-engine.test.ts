import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FormattedExecutionResult } from 'graphql';
import { createLog } from '#platform/log.ts';
import { isResultStream } from '#platform/subgraph-endpoint.ts';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import type { SubgraphClient } from '../../../gateway/engine/client/subgraph-client.ts';
import { createReferenceEngine } from '../../../gateway/engine/reference/reference-engine.ts';
import { createFeed } from '../../support/federation/feed.ts';
import {
  composeSupergraph,
  createTestEndpoint,
  resultOf,
  testScope,
} from '../../support/federation/supergraph.ts';

async function start() {
  const { subgraphs } = createFeed();
  const sdl = composeSupergraph(subgraphs);
  const clients = (name: keyof typeof subgraphs) =>
    createInProcessClient(createTestEndpoint(subgraphs[name]!));
  return createReferenceEngine({ sdl, clients, log: createLog('test', 'silent') });
}

test('answers queries through ApolloGateway and the same clients', async () => {
  const engine = await start();
  const ask = async (query: string): Promise<FormattedExecutionResult> =>
    resultOf(await engine.executeText({ query }, testScope()));
  assert.deepEqual(await ask('{ posts }'), { data: { posts: null } });
  assert.equal((await ask('{ nobody }')).errors?.[0]?.extensions?.['code'], 'GRAPHQL_VALIDATION_FAILED');
  assert.equal((await ask('{')).errors?.[0]?.extensions?.['code'], 'GRAPHQL_PARSE_FAILED');
  assert.equal(engine.operationKind({ query: '{ posts }' }), 'query');
  await engine.close();
});

test('refuses subscriptions and says why', async () => {
  const engine = await start();
  const result = await engine.subscribe({ query: 'subscription { posted { id } }' }, testScope());
  assert.ok(!isResultStream(result));
  assert.match(result.errors?.[0]?.message ?? '', /reference engine, which has no subscriptions/);
  await engine.close();
});

test('a bad supergraph is refused at the start and at a swap, and the one before serves on', async () => {
  const engine = await start();
  assert.throws(() => engine.swap('not SDL'), { code: 'INTERNAL_SERVER_ERROR' });
  assert.deepEqual(resultOf(await engine.execute({ query: '{ posts }' }, testScope())), {
    data: { posts: null },
  });
  await engine.close();
  const bad = createReferenceEngine({
    sdl: 'not SDL',
    clients: () => assert.fail(),
    log: createLog('test', 'silent'),
  });
  await assert.rejects(bad, { code: 'INTERNAL_SERVER_ERROR' });
});

test('clients of a subgraph that a swap removes are closed behind the last request that uses them, and made anew when it comes back', async () => {
  const query = { query: '{ a b }' };
  const closed: string[] = [];
  let made = 0;
  let held = Promise.withResolvers<void>();
  const asked = Promise.withResolvers<void>();
  const typeDefs = { a: 'type Query { a: Int }', b: 'type Query { b: Int }' };
  const resolve = async () => {
    asked.resolve();
    await held.promise;
    return 1;
  };
  const clients = (name: string): SubgraphClient => {
    made += 1;
    const sdl = name === 'a' ? typeDefs.a : typeDefs.b;
    const endpoint = createTestEndpoint({ typeDefs: sdl, resolvers: { Query: { [name]: resolve } } });
    return { ...createInProcessClient(endpoint), close: async () => void closed.push(name) };
  };
  const both = composeSupergraph({ a: { typeDefs: typeDefs.a }, b: { typeDefs: typeDefs.b } });
  const engine = await createReferenceEngine({ sdl: both, clients, log: createLog('test', 'silent') });
  const answer = engine.execute(query, testScope());
  await asked.promise;
  engine.swap(composeSupergraph({ a: { typeDefs: typeDefs.a } }));
  assert.deepEqual(closed, []);
  held.resolve();
  assert.deepEqual(resultOf(await answer), { data: { a: 1, b: 1 } });
  assert.deepEqual([closed, made], [['b'], 2]);
  held = Promise.withResolvers();
  held.resolve();
  assert.throws(() => engine.swap('not SDL'), { code: 'INTERNAL_SERVER_ERROR' });
  engine.swap(both);
  assert.deepEqual(resultOf(await engine.execute(query, testScope())), { data: { a: 1, b: 1 } });
  assert.deepEqual([closed, made], [['b'], 3]);
  await engine.close();
  assert.deepEqual(closed.sort(), ['a', 'b', 'b']);
});
