import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CodedError } from '#platform/errors.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { createTestGateway, testScope } from '../../support/federation/supergraph.ts';
import type { SubgraphFetch } from '../../../gateway/engine/client/subgraph-client.ts';

const QUERY = '{ me { name reviews { body } } }';

const withReplaced = (name: string, answer: (request: SubgraphFetch) => unknown) => {
  const gateway = createTestGateway(shopSubgraphs());
  gateway.replaced.set(name, async (request) => answer(request) as object);
  return gateway;
};

test('[F04] a subgraph that is down costs its fields and nothing else', async () => {
  const gateway = withReplaced('reviews', () => {
    throw new CodedError('SUBGRAPH_UNAVAILABLE', 'The subgraph reviews could not be reached.');
  });
  const { data, errors } = await gateway.query(QUERY);
  assert.deepEqual(data, { me: { name: 'Ada', reviews: null } });
  const extensions = { code: 'SUBGRAPH_UNAVAILABLE', service: 'reviews' };
  assert.deepEqual(errors, [
    { message: 'The subgraph reviews could not be reached.', path: ['me'], extensions },
  ]);
});

test('never shows what an unexpected failure says', async () => {
  const gateway = withReplaced('users', () => {
    throw new Error('connect ECONNREFUSED 10.0.0.7:4001');
  });
  const text = JSON.stringify(await gateway.query(QUERY));
  assert.doesNotMatch(text, /10\.0\.0\.7|ECONNREFUSED/);
  assert.match(text, /SUBGRAPH_ERROR/);
});

test('keeps code, message and place of a subgraph error, drops its stack', async () => {
  const gateway = withReplaced('reviews', () => ({
    data: { _entities: [{ reviews: null }] },
    errors: [
      {
        message: 'Not now.',
        path: ['_entities', 0, 'reviews', 1, 'body'],
        extensions: { code: 'RATE_LIMITED', retryAfterMs: 5, stacktrace: ['at x'] },
      },
    ],
  }));
  const { errors } = await gateway.query('{ a: me { id: name list: reviews { body } } }');
  assert.deepEqual(errors, [
    {
      message: 'Not now.',
      path: ['a', 'reviews', 1, 'body'],
      extensions: { code: 'RATE_LIMITED', retryAfterMs: 5, service: 'reviews' },
    },
  ]);
});

const garbage: readonly [name: string, answer: unknown][] = [
  ['nothing', {}],
  ['null data without errors', { data: null }],
  ['a list for data', { data: [] }],
  ['errors that are no list', { errors: 'oops' }],
  ['errors that are no objects', { data: null, errors: [null, 3, 'x', { path: 'y', extensions: [] }] }],
  ['too few entities', { data: { _entities: [] } }],
  ['entities that are no list', { data: { _entities: { length: 1 } } }],
  ['entities of a wrong kind', { data: { _entities: ['x'] } }],
];

for (const [name, answer] of garbage) {
  test(`survives a subgraph that answers with ${name}`, async () => {
    const gateway = withReplaced('reviews', () => structuredClone(answer));
    const { data } = await gateway.query(QUERY);
    assert.deepEqual(data, { me: { name: 'Ada', reviews: null } });
  });
}

test('refuses values that do not fit their type', async () => {
  const gateway = withReplaced('users', () => ({
    data: { me: { __typename: 'User', id: 'u1', name: { evil: true }, email: 'x' } },
  }));
  const { data, errors } = await gateway.query('{ me { id name } }');
  assert.deepEqual(data, { me: null });
  assert.deepEqual(
    errors?.map(({ path }) => path),
    [['me', 'name']],
  );
});

test('data named __proto__ from a subgraph pollutes nothing', async () => {
  const gateway = withReplaced('reviews', () =>
    JSON.parse(
      '{"data":{"_entities":[{"__proto__":{"polluted":1},"reviews":[{"__proto__":{"polluted":1}}]}]}}',
    ),
  );
  await gateway.query(QUERY);
  assert.equal(({} as Record<string, unknown>)['polluted'], undefined);
});

test('asks for an entity that is met twice once, and completes each place on its own', async () => {
  const gateway = createTestGateway(shopSubgraphs());
  const { data } = await gateway.query(
    '{ reviews { product { ... on Lamp { maker { name reviews { id } } } } } }',
  );
  const [first] = gateway.fetches.filter(({ subgraph }) => subgraph === 'products');
  assert.equal(first?.representations?.length, 3);
  const lamp = { product: { maker: { name: 'Bob', reviews: [] } } };
  assert.deepEqual(data, { reviews: [{ product: {} }, lamp, { product: {} }, lamp] });
});

const invalid: readonly [name: string, request: { query: string; variables?: object }, code: string][] = [
  ['text that is not GraphQL', { query: '{ me {' }, 'GRAPHQL_PARSE_FAILED'],
  ['unknown fields', { query: '{ nobody }' }, 'GRAPHQL_VALIDATION_FAILED'],
  ['inaccessible fields', { query: '{ me { secret } }' }, 'GRAPHQL_VALIDATION_FAILED'],
  [
    'a missing variable',
    { query: 'query($t: String!) { search(text: $t) { __typename } }' },
    'BAD_USER_INPUT',
  ],
  [
    'a condition that is null',
    { query: 'query($c: Boolean = true) { me { id @skip(if: $c) } }', variables: { c: null } },
    'BAD_USER_INPUT',
  ],
  [
    'several operations without a name',
    { query: 'query A { me { id } } query B { me { id } }' },
    'OPERATION_RESOLUTION_FAILURE',
  ],
  [
    'too deep a selection',
    { query: `{ me ${'{ manager '.repeat(30)} { id } ${'}'.repeat(30)} }` },
    'GRAPHQL_VALIDATION_FAILED',
  ],
  [
    'too many aliases',
    { query: `{ ${Array.from({ length: 501 }, (_, i) => `a${i}: __typename`).join(' ')} }` },
    'GRAPHQL_VALIDATION_FAILED',
  ],
  ['too many tokens', { query: `{ ${'__typename '.repeat(15_001)} }` }, 'GRAPHQL_PARSE_FAILED'],
];

for (const [name, { query, variables }, code] of invalid) {
  test(`refuses ${name} with ${code}, before any subgraph is asked`, async () => {
    const gateway = createTestGateway(shopSubgraphs());
    const { data, errors } = await gateway.query(query, variables as Record<string, unknown>);
    assert.equal(data, undefined);
    assert.equal(errors?.[0]?.extensions?.['code'], code);
    assert.equal(gateway.fetches.length, 0);
  });
}

test('an answer that was cut off by its deadline says so', async () => {
  const gateway = createTestGateway(shopSubgraphs());
  const controller = new AbortController();
  gateway.replaced.set('users', async () => {
    controller.abort();
    return { data: { me: { __typename: 'User', id: 'u1', name: 'Ada' } } };
  });
  const { errors } = await gateway.engine.execute(
    { query: QUERY },
    { headers: {}, signal: controller.signal },
  );
  assert.equal(errors?.[0]?.extensions?.['code'], 'SUBGRAPH_TIMEOUT');
});

test('a bad supergraph is refused, the one before serves on, and a good one takes over', async () => {
  const { engine } = createTestGateway(shopSubgraphs());
  const { supergraphSdl } = engine;
  const seen: string[] = [];
  engine.onSwap(({ supergraphSdl: sdl }) => seen.push(sdl));
  assert.throws(() => engine.swap('type Query { x: Int }'), { code: 'INTERNAL_SERVER_ERROR' });
  assert.throws(() => engine.swap('not SDL'), { code: 'INTERNAL_SERVER_ERROR' });
  assert.deepEqual((await engine.execute({ query: '{ me { name } }' }, testScope())).data, {
    me: { name: 'Ada' },
  });
  engine.swap(`${supergraphSdl}\n`);
  assert.deepEqual(seen, [`${supergraphSdl}\n`]);
});

test('tells the place of an error by the client’s names where the planner gave a field another one', async () => {
  // `size` is required of a Box as a number and asked of a Bag as a list: one request cannot have both under one name.
  const fail = () => {
    throw new Error('Torn.');
  };
  const gateway = createTestGateway({
    things: {
      typeDefs: `type Query { things: [Thing] } union Thing = Box | Bag
        type Box @key(fields: "id") { id: ID! size: Int }
        type Bag @key(fields: "id") { id: ID! size: [Part] }
        type Part { weight: Int }`,
      resolvers: {
        Query: {
          things: () => [
            { __typename: 'Box', id: '1', size: 2 },
            { __typename: 'Bag', id: '2', size: [{ weight: 1 }, { weight: fail }] },
          ],
        },
      },
    },
    labels: {
      typeDefs: `type Box @key(fields: "id") { id: ID! size: Int @external label: String @requires(fields: "size") }`,
      resolvers: { Box: { label: ({ size }: { size: number }) => `of ${size}` } },
    },
  });
  const { data, errors } = await gateway.query(
    '{ things { ... on Box { label } ... on Bag { size { weight } } } }',
  );
  assert.deepEqual(data, { things: [{ label: 'of 2' }, { size: [{ weight: 1 }, { weight: null }] }] });
  assert.deepEqual(
    errors?.map(({ path }) => path),
    [['things', 1, 'size', 1, 'weight']],
  );
});
