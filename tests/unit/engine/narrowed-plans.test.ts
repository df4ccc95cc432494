import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readParts } from '../../support/federation/incremental.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { createTestGateway, testScope, type TestGateway } from '../../support/federation/supergraph.ts';

/** What was asked of the objects of a subgraph: id, and the fields of the query that came with it. */
const askedOf = ({ fetches }: TestGateway, subgraph: string) =>
  fetches
    .filter((one) => one.subgraph === subgraph)
    .flatMap(({ operation, representations }) => {
      const [, fields = ''] = /\.\.\.on \w+(.*)}}$/.exec(operation.query) ?? [];
      return (representations ?? []).map((one) => `${JSON.parse(one).id} ${fields}`);
    })
    .sort();

test('an interface’s objects that a subgraph knows as one type are asked for what was selected of their type', async () => {
  const gateway = createTestGateway(shopSubgraphs());
  const text = '{ search(text: "x") { ... on Lamp { rating } ... on Book { reviews { stars } } } }';
  assert.deepEqual(await gateway.query(text), {
    data: { search: [{ rating: 1 }, {}, { reviews: [{ stars: 5 }, { stars: 4 }] }, { rating: 2 }] },
  });
  assert.deepEqual(askedOf(gateway, 'reviews'), ['b1 {reviews{stars}}', 'l1 {rating}', 'l2 {rating}']);
});

test('what one type is wanted for does not come along with another where the next fetch starts below it', async () => {
  const gateway = createTestGateway(shopSubgraphs());
  const { data, errors } = await gateway.query(
    '{ search(text: "x") { ... on Lamp { rating } ... on Book { rating reviews { body author { email parcels { id } } } } } }',
  );
  assert.equal(errors, undefined);
  const author = (email: string | null, parcels: unknown) => ({ email, parcels });
  assert.deepEqual(data?.['search'], [
    { rating: 1 },
    {},
    {
      rating: 4.5,
      reviews: [
        { body: 'Good', author: author('ada@example.org', [{ id: 'p1' }, { id: 'p2' }]) },
        { body: null, author: author(null, []) },
      ],
    },
    { rating: 2 },
  ]);
  assert.deepEqual(askedOf(gateway, 'reviews'), [
    'b1 {rating reviews{body author{__typename id}}}',
    'l1 {rating}',
    'l2 {rating}',
  ]);
});

test('conditions decide of which types something is wanted', async () => {
  const gateway = createTestGateway(shopSubgraphs());
  const text = `query($lamps: Boolean!, $books: Boolean!) { search(text: "x") {
    ... on Lamp { id rating @include(if: $lamps) } ... on Book { id rating @include(if: $books) reviews { stars } } } }`;
  for (const [lamps, books] of [
    [true, false],
    [false, true],
  ] as const) {
    gateway.fetches.splice(0);
    const { data, errors } = await gateway.query(text, { lamps, books });
    assert.equal(errors, undefined);
    assert.deepEqual(data?.['search'], [
      { id: 'l1', ...(lamps && { rating: 1 }) },
      {},
      { id: 'b1', ...(books && { rating: 4.5 }), reviews: [{ stars: 5 }, { stars: 4 }] },
      { id: 'l2', ...(lamps && { rating: 2 }) },
    ]);
    for (const one of askedOf(gateway, 'reviews'))
      assert.match(
        one,
        one.startsWith('l') ? /^l\d \S*rating@include\(if:\$lamps\)}*$/ : /rating@include\(if:\$books\)/,
      );
  }
});

const key = '@key(fields: "id")';

/** Pens and inks that have one maker each, of whom another subgraph fails to tell what it must. */
const makers = () =>
  createTestGateway({
    goods: {
      typeDefs: `type Query { goods: [Good!]! } interface Good { id: ID! maker: Maker }
        type Pen implements Good { id: ID! maker: Maker } type Ink implements Good { id: ID! maker: Maker }
        type Maker ${key} { id: ID! }`,
      resolvers: {
        Query: {
          goods: () => [
            { __typename: 'Pen', id: 'g1', maker: { id: 'm1' } },
            { __typename: 'Ink', id: 'g2', maker: { id: 'm2' } },
          ],
        },
      },
    },
    people: {
      typeDefs: `type Maker ${key} { id: ID! name: String mail: String! boss: Maker }`,
      resolvers: {
        Maker: {
          name: ({ id }: { id: string }) => `name of ${id}`,
          mail: ({ id }: { id: string }) => (id === 'm1' ? new Error('no mail') : `mail of ${id}`),
          boss: () => ({ id: 'm2' }),
        },
      },
    },
    ranks: {
      typeDefs: `type Maker ${key} { id: ID! rank: Int! }`,
      resolvers: { Maker: { rank: () => 1 } },
    },
  });

test('objects below one type are not asked for what is wanted of those below another', async () => {
  const gateway = makers();
  assert.deepEqual(
    await gateway.query('{ goods { ... on Pen { maker { name } } ... on Ink { maker { mail } } } }'),
    {
      data: { goods: [{ maker: { name: 'name of m1' } }, { maker: { mail: 'mail of m2' } }] },
    },
  );
  assert.deepEqual(askedOf(gateway, 'people'), ['m1 {name}', 'm2 {mail}']);
});

test('where all is wanted of all nothing is asked twice', async () => {
  const gateway = makers();
  const { errors } = await gateway.query(
    '{ goods { ... on Pen { maker { name boss { rank } } } ... on Ink { maker { boss { rank } name } } } }',
  );
  assert.equal(errors, undefined);
  assert.deepEqual(
    gateway.fetches.map(({ subgraph }) => subgraph),
    ['goods', 'people', 'ranks'],
  );
});

test('what is wanted of some objects alone is asked of no others', async () => {
  const gateway = makers();
  assert.deepEqual(await gateway.query('{ goods { maker { id } ... on Ink { maker { name } } } }'), {
    data: { goods: [{ maker: { id: 'm1' } }, { maker: { id: 'm2', name: 'name of m2' } }] },
  });
  assert.deepEqual(askedOf(gateway, 'people'), ['m2 {name}']);
});

test('deferred parts wait for what was asked in several fetches', async () => {
  const { engine } = makers();
  const text = `{ goods { ... on Pen { maker { name ... @defer { boss { rank } } } } ... on Ink { maker { mail ... @defer { name rank } } } } }`;
  const { data } = await readParts(await engine.executeInParts({ query: text }, testScope()));
  assert.deepEqual(data, {
    goods: [
      { maker: { name: 'name of m1', boss: { rank: 1 } } },
      { maker: { mail: 'mail of m2', name: 'name of m2', rank: 1 } },
    ],
  });
});

/** Goods of two types in parcels of one; what comes with the goods is told by `told`. */
const parcels = (parcel: string, told: object, shipping: { typeDefs: string; resolvers: object }) =>
  createTestGateway({
    goods: {
      typeDefs: `type Query { goods: [Good!]! } interface Good { id: ID! parcel: Parcel }
        type Pen implements Good { id: ID! parcel: Parcel } type Ink implements Good { id: ID! parcel: Parcel }
        type Parcel ${key} { id: ID! ${parcel} } type Box ${key} { id: ID! }`,
      resolvers: {
        Query: {
          goods: () => [
            { __typename: 'Pen', id: 'g1', parcel: { id: 'p1', ...told } },
            { __typename: 'Ink', id: 'g2', parcel: { id: 'p2', ...told } },
          ],
        },
      },
    },
    shipping,
  });

test('objects that a condition keeps from what a fetch requires are asked for the rest', async () => {
  const gateway = parcels(
    'weight: Int',
    { weight: 2 },
    {
      typeDefs: `type Parcel ${key} { id: ID! weight: Int @external depot: String size: Int
        pounds: String @requires(fields: "weight") }`,
      resolvers: { Parcel: { depot: () => 'Turin', size: () => 3, pounds: () => '4 lb' } },
    },
  );
  const text = `query($yes: Boolean!) { goods { ... on Pen { parcel { depot pounds @include(if: $yes) } } ... on Ink { parcel { size } } } }`;
  for (const yes of [true, false]) {
    gateway.fetches.splice(0);
    const pen = { depot: 'Turin', ...(yes && { pounds: '4 lb' }) };
    assert.deepEqual(await gateway.query(text, { yes }), {
      data: { goods: [{ parcel: pen }, { parcel: { size: 3 } }] },
    });
    assert.deepEqual(askedOf(gateway, 'shipping'), ['p1 {depot pounds@include(if:$yes)}', 'p2 {size}']);
  }
});

test('what a context below reads is asked for though no client asked for it', async () => {
  const gateway = parcels(
    'box: Box',
    { box: { id: 'b1' } },
    {
      typeDefs: `type Parcel ${key} @context(name: "parcel") { id: ID! fragile: Boolean depot: String size: Int }
        type Box ${key} { id: ID! label(fragile: Boolean @fromContext(field: "$parcel { fragile }")): String }`,
      resolvers: {
        Parcel: { fragile: ({ id }: { id: string }) => id === 'p1', depot: () => 'Turin', size: () => 3 },
        Box: { label: (_parent: unknown, { fragile }: { fragile?: boolean }) => `fragile: ${fragile}` },
      },
    },
  );
  const text = `{ goods { ... on Pen { parcel { depot box { label } } } ... on Ink { parcel { size } } } }`;
  assert.deepEqual(await gateway.query(text), {
    data: {
      goods: [{ parcel: { depot: 'Turin', box: { label: 'fragile: true' } } }, { parcel: { size: 3 } }],
    },
  });
  const [label, ...others] = askedOf(gateway, 'shipping');
  assert.match(label ?? '', /^b1 {label/);
  assert.deepEqual(others, ['p1 {fragile depot}', 'p2 {size}']);
});

/** Pens and quills, which another subgraph links with each other without knowing them apart. */
function linked(strict: () => unknown, ofQuill: () => unknown) {
  const shared = 'id: ID! shared: String';
  return createTestGateway({
    types: {
      typeDefs: `type Query { nodes: [Node] } interface Node ${key} { ${shared} }
        type Pen implements Node ${key} { ${shared} } type Quill implements Node ${key} { ${shared} }`,
      resolvers: {
        Query: { nodes: () => ['p1', 'q1'].map((id) => ({ id })) },
        Node: { __resolveType: ({ id }: { id: string }) => (id.startsWith('p') ? 'Pen' : 'Quill') },
        Pen: { shared: () => 's' },
        Quill: { shared: ofQuill },
      },
    },
    links: {
      typeDefs: `type Node ${key} @interfaceObject { id: ID! shared: String @external peer: Node strict: Int!
        plain: String @requires(fields: "shared") }`,
      resolvers: {
        Node: {
          peer: ({ id }: { id: string }) => ({ id: id === 'p1' ? 'p2' : 'q2' }),
          strict,
          plain: ({ shared: sent }: { shared?: string }) => `plain ${sent}`,
        },
      },
    },
  });
}

test('objects of which nothing else is wanted are still asked for their type', async () => {
  const gateway = linked(
    () => 7,
    () => new Error('not wanted'),
  );
  const text = '{ nodes { ... on Pen { peer { shared } } peer { ... on Quill { strict } } } }';
  assert.deepEqual(await gateway.query(text), {
    data: { nodes: [{ peer: { shared: 's' } }, { peer: { strict: 7 } }] },
  });
  assert.deepEqual(askedOf(gateway, 'types'), ['p2 {__typename shared}', 'q2 {__typename}']);
});

test('a condition that the planner lost keeps a field from being asked for', async () => {
  const gateway = linked(
    () => new Error('not wanted'),
    () => 't',
  );
  const text =
    'query($no: Boolean = false) { nodes { peer { ... @include(if: $no) { ... on Quill { strict } } plain } } }';
  assert.deepEqual(await gateway.query(text), {
    data: { nodes: [{ peer: { plain: 'plain s' } }, { peer: { plain: 'plain t' } }] },
  });
  const { data, errors } = await gateway.query(text, { no: true });
  assert.deepEqual(data, { nodes: [{ peer: { plain: 'plain s' } }, { peer: null }] });
  assert.deepEqual(
    errors?.map(({ path }) => path?.join('.')),
    ['nodes.1.peer.strict'],
  );
});
