import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { FormattedExecutionResult } from 'graphql';
import { createLog } from '#platform/log.ts';
import { isResultStream } from '#platform/subgraph-endpoint.ts';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
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
