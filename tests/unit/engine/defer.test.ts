import assert from 'node:assert/strict';
import { test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { isIncremental } from '../../../gateway/engine/engine.ts';
import { readParts } from '../../support/federation/incremental.ts';
import { createFeed } from '../../support/federation/feed.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { createTestGateway, testScope } from '../../support/federation/supergraph.ts';
import { isResultStream } from '#platform/subgraph-endpoint.ts';

async function ask(
  query: string,
  variables?: Record<string, unknown>,
  gateway = createTestGateway(shopSubgraphs()),
) {
  return readParts(await gateway.engine.executeInParts({ query, variables }, testScope()));
}

test('delivers a deferred fragment after the answer, at its place and with its label', async () => {
  const { initial, payloads, hasNext } = await ask(
    '{ me { a: name ... @defer(label: "x") { reviews { body } } } }',
  );
  assert.deepEqual(initial, { data: { me: { a: 'Ada' } } });
  const reviews = [{ body: 'Good' }, null, { body: null }];
  assert.deepEqual(payloads, [{ data: { reviews }, path: ['me'], label: 'x' }]);
  assert.deepEqual(hasNext, [false]);
});

test('answers before the deferred fetch has, and delivers each label as soon as it is there', async () => {
  const gateway = createTestGateway(shopSubgraphs());
  const gates = new Map(['reviews', 'shipping'].map((name) => [name, Promise.withResolvers<void>()]));
  for (const [name, gate] of gates)
    gateway.replaced.set(name, async () => {
      await gate.promise;
      return { data: { _entities: [name === 'reviews' ? { reviews: [] } : { email: 'a@b.c' }] } };
    });
  const query = '{ me { name ... @defer(label: "r") { reviews { id } } ... @defer(label: "e") { email } } }';
  const result = await gateway.engine.executeInParts({ query }, testScope());
  assert.ok(isIncremental(result));
  assert.deepEqual(result.initial, { data: { me: { name: 'Ada' } } });
  gates.get('shipping')?.resolve();
  const first = await result.subsequent.next();
  assert.deepEqual(first.value, {
    incremental: [{ data: { email: 'a@b.c' }, path: ['me'], label: 'e' }],
    hasNext: true,
  });
  gates.get('reviews')?.resolve();
  const second = await result.subsequent.next();
  assert.deepEqual(second.value, {
    incremental: [{ data: { reviews: [] }, path: ['me'], label: 'r' }],
    hasNext: false,
  });
  assert.equal((await result.subsequent.next()).done, true);
});

test('begins a deferred fetch when what it depends on was fetched, not when all of the answer was', async () => {
  const gateway = createTestGateway(shopSubgraphs());
  const asked = Promise.withResolvers<void>();
  gateway.replaced.set('shipping', async () => {
    await asked.promise;
    return { data: { _entities: [{ email: 'a@b.c' }] } };
  });
  gateway.replaced.set('reviews', async () => {
    asked.resolve();
    return { data: { _entities: [{ reviews: [] }] } };
  });
  // `email` is part of the first answer and waits for the deferred fetch to be asked: it would hang otherwise.
  const { data } = await ask('{ me { email ... @defer { reviews { id } } } }', {}, gateway);
  assert.deepEqual(data, { me: { email: 'a@b.c', reviews: [] } });
});

test('delivers what a deferred fragment defers after it', async () => {
  const query = `{ me { ... @defer(label: "outer") { reviews { id ... @defer(label: "inner") { product { name } } } } } }`;
  const { payloads } = await ask(query);
  assert.deepEqual(
    payloads.map(({ label, path }) => [label, path.join('.')]),
    [
      ['outer', 'me'],
      ['inner', 'me.reviews.0'],
      ['inner', 'me.reviews.2'],
    ],
  );
});

test('a fragment that only defers waits for nothing, what it defers waits for what it needs', async () => {
  const { data } = await ask('{ users { parcels { box { ... @defer { ... @defer { c__id: id } } } } } }');
  const boxes = [{ box: { c__id: 'x1' } }, { box: { c__id: 'x1' } }];
  assert.deepEqual(data, { users: [{ parcels: boxes }, { parcels: [] }, { parcels: null }] });
});

test('finds the type of an interface object that is asked for later', async () => {
  const { data } = await ask('{ reviews { product { rating ... @defer { __typename } } } }');
  const product = (data as { reviews: { product: object }[] }).reviews[0]?.product;
  assert.deepEqual(product, { rating: 4.5, __typename: 'Book' });
});

test('answers whole what the planner cannot defer', async () => {
  const query = '{ shelf { ... @defer { reviews { product { ... on Lamp { rating } } } } } }';
  const { data, errors } = await ask(query);
  assert.deepEqual(errors, []);
  assert.equal((data as { shelf: unknown[] }).shelf.length, 4);
});

test('defers nothing that the planner would follow in circles, and what is beside it all the same', async () => {
  const key = '@key(fields: "id")';
  const gateway = createTestGateway({
    named: {
      typeDefs: `type Query { node: Node } interface Node ${key} { id: ID! }
        type Dog implements Node ${key} { id: ID! } type Cat implements Node ${key} { id: ID! }`,
      resolvers: { Node: { __resolveReference: ({ id }: { id: string }) => ({ __typename: 'Dog', id }) } },
    },
    typed: { typeDefs: `type Dog ${key} { id: ID! tricks: Int }`, resolvers: { Dog: { tricks: () => 2 } } },
    untyped: {
      typeDefs: `type Query { peers: [Node] } type Node ${key} @interfaceObject { id: ID! age: Int }`,
      resolvers: { Query: { peers: () => [{ id: 'd1' }] }, Node: { age: () => 3 } },
    },
  });
  const peers = (text: string) => ask(`{ ... @defer { p: peers { id } } peers { ${text} } }`, {}, gateway);
  const first = [{ age: 3 }];
  const inCircles = await peers('age ... on Dog { ... @defer { a: age tricks } id }');
  assert.deepEqual(inCircles.initial.data, { peers: [{ age: 3, a: 3, tricks: 2, id: 'd1' }] });
  assert.deepEqual(inCircles.payloads, [{ data: { p: [{ id: 'd1' }] }, path: [] }]);
  const straight = await peers('age ... @defer { id }');
  assert.deepEqual(straight.initial.data, { peers: first });
});

test('writes out a fragment that is spread twice: each place is delivered on its own', async () => {
  const query = `{ a: me { ...F } b: me { ...F ...F } } fragment F on User { id ... @defer(label: "n") { name } }`;
  const { payloads } = await ask(query);
  assert.deepEqual(
    payloads.map(({ path, data }) => [path, data]),
    [
      [['a'], { name: 'Ada' }],
      [['b'], { name: 'Ada' }],
    ],
  );
});

test('@defer(if:) decides, by value, by variable and by default', async () => {
  const query = `query($off: Boolean!, $on: Boolean! = true) { me { id ... @defer(if: false) { name }
    ... @defer(if: $off) { email } ... @defer(if: $on) { manager { id } } } }`;
  const { initial, payloads } = await ask(query, { off: false });
  assert.deepEqual(initial.data, { me: { id: 'u1', name: 'Ada', email: 'ada@example.org' } });
  assert.deepEqual(payloads, [{ data: { manager: null }, path: ['me'] }]);
  const { data, payloads: none } = await ask(query, { off: false, on: false });
  assert.deepEqual(none, []);
  assert.deepEqual(Object.keys((data as { me: object }).me), ['id', 'name', 'email', 'manager']);
});

test('an object that a null took away defers nothing', async () => {
  const query =
    '{ search(text: "x") { ... on Lamp { watts ... @defer { name } } } me { ... @defer { id } } }';
  const { initial, payloads } = await ask(query);
  assert.equal(initial.data, null);
  assert.deepEqual(payloads, []);
});

test('a null that bubbles within a deferred fragment ends at it', async () => {
  const { initial, payloads } = await ask(
    '{ search(text: "x") { ... on Lamp { name ... @defer { watts } } } }',
  );
  assert.equal(initial.errors, undefined);
  const [first, second] = payloads;
  assert.deepEqual(first, { data: { watts: 7.5 }, path: ['search', 0] });
  assert.equal(second?.data, null);
  assert.deepEqual(
    second.errors?.map(({ message, path }) => [message, path]),
    [['no watts', ['search', 3, 'watts']]],
  );
});

test('an error is told with the part that shows its field', async () => {
  const { initial, payloads } = await ask(
    '{ users { id ... @defer(label: "n") { name } ... @defer(label: "e") { email } } }',
  );
  assert.equal(initial.errors, undefined);
  const failed = payloads.filter(({ errors }) => errors);
  assert.deepEqual(
    failed.map(({ label, path, errors }) => [label, path, errors?.[0]?.path]),
    [['e', ['users', 2], ['users', 2, 'email']]],
  );
});

test('a deferred fetch that fails costs its own parts, each of which says so', async () => {
  const gateway = createTestGateway(shopSubgraphs());
  gateway.replaced.set('shipping', async () => Promise.reject(new Error('down')));
  const { initial, payloads } = await ask('{ users { name ... @defer { parcels { id } } } }', {}, gateway);
  assert.equal(initial.errors, undefined);
  assert.deepEqual(
    payloads.map(({ data, errors }) => [data, errors?.[0]?.extensions?.['code']]),
    Array.from({ length: 3 }, () => [{ parcels: null }, 'SUBGRAPH_ERROR']),
  );
});

test('ends every part with an error when the request is over', async () => {
  const gateway = createTestGateway(shopSubgraphs());
  const controller = new AbortController();
  gateway.replaced.set('shipping', async () => {
    controller.abort();
    throw new Error('aborted');
  });
  const scope = { headers: {}, signal: controller.signal };
  const query = '{ me { name ... @defer { email } } }';
  const { hasNext, errors } = await readParts(await gateway.engine.executeInParts({ query }, scope));
  assert.deepEqual(hasNext, [false]);
  assert.equal(errors.length, 1);
});

test('is answered whole where nobody asks for parts, and ignored in subscriptions', async () => {
  const gateway = createTestGateway(shopSubgraphs());
  const { data } = await gateway.query('{ me { ... @defer { name } } }');
  assert.deepEqual(data, { me: { name: 'Ada' } });
  const feed = createFeed();
  const { engine } = createTestGateway(feed.subgraphs);
  const query = 'subscription { posted { id ... @defer { author { name } } } }';
  const stream = await engine.subscribe({ query }, testScope());
  assert.ok(isResultStream(stream));
  feed.publish('1', 'a');
  assert.deepEqual((await stream.next()).value, { data: { posted: { id: '1', author: { name: 'Ada' } } } });
  await stream.return();
});

test('mutations run in order before anything that they defer', async () => {
  const query = `mutation { a: rename(id: "u1", name: "A") { ... @defer { reviews { id } } } b: touch(id: "b1") { ... @defer { rating } } }`;
  const { initial, data } = await ask(query);
  assert.deepEqual(initial.data, { a: {}, b: {} });
  assert.deepEqual(data, { a: { reviews: [{ id: 'r1' }, null, { id: 'r2' }] }, b: { rating: 4.5 } });
});

test('what a later mutation defers waits for that mutation, though the planner counts the fetches of each anew', async () => {
  const counter = { id: 'c1' };
  const gateway = createTestGateway({
    first: {
      typeDefs:
        'type Query { a: Int } type Mutation { begin: Counter } type Counter @key(fields: "id") { id: ID! size: Int }',
      resolvers: { Mutation: { begin: () => counter }, Counter: { size: () => 1 } },
    },
    second: {
      typeDefs:
        'type Query { b: Int } type Mutation { end: Counter } type Counter @key(fields: "id") { id: ID! }',
      // Whatever waits for the first mutation alone has begun by then.
      resolvers: { Mutation: { end: () => setImmediate(counter) } },
    },
    third: {
      typeDefs: 'type Query { c: Int } type Counter @key(fields: "id") { id: ID! total: Int! }',
      resolvers: { Counter: { total: () => 7 } },
    },
  });
  const query =
    'mutation { begin { ... @defer { total } } again: begin { id } end { ... @defer { total } size } }';
  const { data, errors } = await ask(query, undefined, gateway);
  assert.deepEqual(
    [data, errors],
    [{ begin: { total: 7 }, again: { id: 'c1' }, end: { total: 7, size: 1 } }, []],
  );
});

const refused: readonly [name: string, query: string, message: RegExp][] = [
  ['labels that are variables', 'query($l: String) { me { ... @defer(label: $l) { id } } }', /literal/],
  [
    'two labels of one name',
    '{ me { ... @defer(label: "x") { id } ... @defer(label: "x") { name } } }',
    /Several @defer/,
  ],
  ['@defer on a field', '{ me @defer { id } }', /may not be used on FIELD/],
];
for (const [name, query, message] of refused) {
  test(`refuses ${name}`, async () => {
    const { initial } = await ask(query);
    assert.match(initial.errors?.[0]?.message ?? '', message);
  });
}
