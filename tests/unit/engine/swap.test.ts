import assert from 'node:assert/strict';
import { test } from 'node:test';
import { QueryPlanner } from '@apollo/query-planner';
import { parse } from 'graphql';
import { isResultStream } from '#platform/subgraph-endpoint.ts';
import { createFeed } from '../../support/federation/feed.ts';
import { createTestGateway, testScope } from '../../support/federation/supergraph.ts';
import { ANYBODY, scoped, SIGNED_IN, start } from './authorization-kit.ts';

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

const GUARDED = {
  a: {
    typeDefs: `type Query { open: String own: String @authenticated
      read: String @requiresScopes(scopes: [["read"]]) paid: String @requiresScopes(scopes: [["paid"]]) }`,
  },
};
const ALL = '{ open own read paid }';

test('what was used last is planned first by the swap after the next one, too', async (t) => {
  const { engine, ask } = start(GUARDED);
  for (const text of ['{ open }', '{ own }', '{ open own }']) await ask(text, SIGNED_IN);
  const planned: string[] = [];
  const { buildQueryPlan } = QueryPlanner.prototype;
  t.mock.method(
    QueryPlanner.prototype,
    'buildQueryPlan',
    function (this: QueryPlanner, ...given: Parameters<typeof buildQueryPlan>) {
      planned.push(String(given[0]).replaceAll(/\s+/g, ' '));
      return buildQueryPlan.apply(this, given);
    },
  );
  for (const _ of ['first', 'second', 'third']) {
    planned.length = 0;
    engine.swap(`${engine.supergraphSdl}\n`);
    assert.deepEqual(planned, ['{ open own }', '{ own }', '{ open }']);
  }
});

test('what callers see differently is planned as those see it who asked last', async (t) => {
  const { engine, ask } = start(GUARDED);
  for (const grants of [SIGNED_IN, scoped('read')]) await ask(ALL, grants);
  await ask('{ open read }', ANYBODY);
  const plan = t.mock.method(QueryPlanner.prototype, 'buildQueryPlan');
  engine.swap(`${engine.supergraphSdl}\n`);
  assert.equal(plan.mock.callCount(), 3);
  for (const grants of [SIGNED_IN, scoped('read')]) await ask(ALL, grants);
  await ask('{ open read }', ANYBODY);
  assert.equal(plan.mock.callCount(), 3);
  await ask(ALL, ANYBODY);
  assert.equal(plan.mock.callCount(), 4);
});

test('and by what the new graph demands of them', async (t) => {
  const { engine, ask } = start(GUARDED);
  // The old graph takes both for the same.
  for (const grants of [scoped('other'), scoped('new')]) await ask('{ open read }', grants);
  const plan = t.mock.method(QueryPlanner.prototype, 'buildQueryPlan');
  engine.swap(engine.supergraphSdl.replace('[["read"]]', '[["new"]]'));
  assert.equal(plan.mock.callCount(), 1);
  assert.equal((await ask('{ open read }', scoped('new'))).errors, undefined);
  assert.equal(plan.mock.callCount(), 1);
});

test('of an operation that everybody sees differently only a few variants are planned', async (t) => {
  const { engine, ask } = start(GUARDED);
  const callers = [ANYBODY, SIGNED_IN, scoped('read'), scoped('paid'), scoped('read', 'paid')];
  await ask('{ open }', ANYBODY);
  for (const grants of callers) await ask(ALL, grants);
  const plan = t.mock.method(QueryPlanner.prototype, 'buildQueryPlan');
  engine.swap(`${engine.supergraphSdl}\n`);
  assert.equal(plan.mock.callCount(), 5);
  for (const grants of callers.slice(1)) await ask(ALL, grants);
  await ask('{ open }', ANYBODY);
  assert.equal(plan.mock.callCount(), 5);
});
