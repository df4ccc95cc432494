import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isResultStream, type GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import type { EngineScope } from '../../../gateway/engine/engine.ts';
import { createFeed } from '../../support/federation/feed.ts';
import { createTestGateway, testScope } from '../../support/federation/supergraph.ts';

const QUERY = 'subscription { p: posted { author { n: name } id } }';

async function open(request: GraphQLRequest = { query: QUERY }, scope: EngineScope = testScope()) {
  const feed = createFeed();
  const gateway = createTestGateway(feed.subgraphs);
  const stream = await gateway.engine.subscribe(request, scope);
  assert.ok(isResultStream(stream));
  return { feed, gateway, stream };
}

test('completes every event from the other subgraphs, in order and in the shape of the client', async () => {
  const { feed, stream } = await open();
  feed.publish('1', 'a');
  feed.publish('2', 'a');
  const first = await stream.next();
  const second = await stream.next();
  assert.equal(JSON.stringify(first.value), '{"data":{"p":{"author":{"n":"Ada"},"id":"1"}}}');
  assert.equal(JSON.stringify(second.value), '{"data":{"p":{"author":{"n":"Ada"},"id":"2"}}}');
  await stream.return();
});

test('resolves every event afresh, with the headers of that moment', async () => {
  let token = 'one';
  const signal = new AbortController().signal;
  const scope = {
    signal,
    get headers() {
      return { token };
    },
  };
  const { feed, stream } = await open({ query: 'subscription { posted { author { name seen } } }' }, scope);
  feed.publish('1', 'a');
  const seen = [await stream.next()];
  token = 'two';
  feed.rename('Bob');
  feed.publish('2', 'a');
  seen.push(await stream.next());
  await stream.return();
  assert.deepEqual(
    seen.map(({ value }) => (value ? value.data : null)),
    [
      { posted: { author: { name: 'Ada', seen: '{"token":"one"}' } } },
      { posted: { author: { name: 'Bob', seen: '{"token":"two"}' } } },
    ],
  );
});

test('closes the upstream at once though it waits for an event', async () => {
  const { feed, stream } = await open();
  const waiting = stream.next();
  await stream.return();
  assert.deepEqual(await waiting, { value: undefined, done: true });
  await feed.closed;
});

test('closes the upstream when the caller goes away', async () => {
  const controller = new AbortController();
  const { feed, stream } = await open({ query: QUERY }, { headers: {}, signal: controller.signal });
  const waiting = stream.next();
  controller.abort();
  assert.equal((await waiting).done, true);
  await feed.closed;
});

test('goes on after an event that another subgraph could not complete', async () => {
  const { feed, gateway, stream } = await open();
  gateway.replaced.set('names', async () => ({ errors: [{ message: 'down' }] }));
  feed.publish('1', 'a');
  const { value } = await stream.next();
  assert.deepEqual(value?.data, { p: { author: null, id: '1' } });
  assert.equal(value?.errors?.[0]?.message, 'down');
  gateway.replaced.clear();
  feed.publish('2', 'a');
  assert.deepEqual((await stream.next()).value, { data: { p: { author: { n: 'Ada' }, id: '2' } } });
  await stream.return();
});

const refused: readonly [name: string, query: string, message: RegExp][] = [
  ['two root fields', 'subscription { posted { id } other }', /one root field|only one/i],
  [
    'a condition on the root field',
    'subscription($c: Boolean!) { posted @include(if: $c) { id } }',
    /root field/,
  ],
  [
    'a condition around the root field',
    'subscription { ... @skip(if: false) { posted { id } } }',
    /root field/,
  ],
  ['a query', '{ posts }', /query cannot be run this way/],
  ['what the subgraph refuses', 'subscription { posted(fail: true) { id } }', /no feed/],
];

for (const [name, query, message] of refused) {
  test(`refuses ${name}`, async () => {
    const { engine } = createTestGateway(createFeed().subgraphs);
    const result = await engine.subscribe({ query, variables: { c: true } }, testScope());
    assert.ok(!isResultStream(result));
    assert.match(result.errors?.[0]?.message ?? '', message);
  });
}

test('never uses a key that a subgraph declared not resolvable', async () => {
  const { gateway, feed, stream } = await open();
  feed.publish('1', 'a');
  await stream.next();
  await stream.return();
  assert.deepEqual(
    gateway.fetches.map(({ subgraph }) => subgraph),
    ['names'],
  );
});
