import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryPlanner } from '@apollo/query-planner';
import { parse } from 'graphql';
import { isResultStream } from '#platform/subgraph-endpoint.ts';
import { createFeed } from '../../support/federation/feed.ts';
import { createTestGateway, testScope } from '../../support/federation/supergraph.ts';

const QUERY = 'subscription { posted { id author { name } } }';

async function open() {
  const feed = createFeed();
  const { engine } = createTestGateway(feed.subgraphs);
  const stream = await engine.subscribe({ query: QUERY }, testScope());
  assert.ok(isResultStream(stream));
  return { feed, engine, stream };
}

test('a live subscription goes on across a swap, on the same upstream', async () => {
  const { feed, engine, stream } = await open();
  feed.publish('1', 'a');
  const answer = (id: string) => ({ value: { data: { posted: { id, author: { name: 'Ada' } } } } });
  assert.deepEqual(await stream.next(), answer('1'));
  const waiting = stream.next();
  engine.swap(`${engine.supergraphSdl}\n`);
  feed.publish('2', 'a');
  assert.deepEqual(await waiting, answer('2'));
  await stream.return();
  await feed.closed;
});

test('a live subscription that the new graph does not allow ends with an error at once', async () => {
  const { feed, engine, stream } = await open();
  const waiting = stream.next();
  engine.swap(engine.supergraphSdl.replaceAll('\n  name: String!', '\n  called: String!'));
  const { value } = await waiting;
  assert.match(value?.errors?.[0]?.message ?? '', /the graph has changed/);
  assert.match(value?.errors?.[1]?.message ?? '', /Cannot query field "name"/);
  assert.equal((await stream.next()).done, true);
  await feed.closed;
});

test('operations used last are planned before the new graph serves', async (t) => {
  const { engine } = createTestGateway(createFeed().subgraphs);
  const request = { query: '{ posts }' };
  await engine.execute(request, testScope());
  const plan = t.mock.method(QueryPlanner.prototype, 'buildQueryPlan');
  engine.swap(`${engine.supergraphSdl}\n`);
  assert.equal(plan.mock.callCount(), 1);
  await engine.execute(request, testScope());
  await engine.executeDocument(parse(request.query), null, {}, testScope());
  assert.equal(plan.mock.callCount(), 2);
});
