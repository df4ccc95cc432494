import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readParts } from '../../support/federation/incremental.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { createTestGateway, testScope } from '../../support/federation/supergraph.ts';

const weightIn = (unit: string) => ({ KG: 2, LB: 4, OZ: 70 })[unit] ?? 0;

const gateway = createTestGateway({
  goods: {
    typeDefs: `type Query { parcel: Parcel }
      type Parcel @key(fields: "id") { id: ID! weight(unit: String = "KG"): Int label: String maker: Maker }
      type Maker @key(fields: "id") { id: ID! name: String }`,
    resolvers: {
      Query: { parcel: () => ({ id: 'p1', label: 'Box', maker: { id: 'm1', name: 'Ada' } }) },
      Parcel: { weight: (_parent: unknown, { unit }: { unit: string }) => weightIn(unit) },
    },
  },
  shipping: {
    typeDefs: `type Parcel @key(fields: "id") { id: ID! weight(unit: String = "KG"): Int @external
        pounds: String @requires(fields: "weight(unit: \\"LB\\")")
        ounces: String @requires(fields: "weight(unit: \\"OZ\\")")
        kilos: String @requires(fields: "weight") }
      type Maker @key(fields: "id") { id: ID! rank: Int }`,
    resolvers: {
      Parcel: {
        pounds: ({ weight }: { weight: number }) => `${weight} lb`,
        ounces: ({ weight }: { weight: number }) => `${weight} oz`,
        kilos: ({ weight }: { weight: number }) => `${weight} kg`,
      },
      Maker: { rank: ({ id }: { id: string }) => (id === 'm1' ? 1 : null) },
    },
  },
});

const cases: readonly [name: string, query: string, expected: unknown][] = [
  [
    'keeps a default argument of the client apart from the one a @requires needs',
    '{ parcel { weight pounds } }',
    { weight: 2, pounds: '4 lb' },
  ],
  [
    'honours a client argument beside a different required one',
    '{ parcel { pounds weight(unit: "OZ") } }',
    { pounds: '4 lb', weight: 70 },
  ],
  [
    'keeps arguments of the client apart from a default that a @requires relies on',
    '{ parcel { weight(unit: "OZ") kilos } }',
    { weight: 70, kilos: '2 kg' },
  ],
  [
    'answers fields that require one field with different arguments',
    '{ parcel { pounds ounces weight kilos r1__weight: weight(unit: "OZ") } }',
    { pounds: '4 lb', ounces: '70 oz', weight: 2, kilos: '2 kg', r1__weight: 70 },
  ],
  [
    'returns the right value under an alias that equals a key name',
    '{ parcel { id: label pounds } }',
    { id: 'Box', pounds: '4 lb' },
  ],
  [
    'returns the right value under an alias that equals a required field name',
    '{ parcel { weight: label pounds maker { id: name rank } } }',
    { weight: 'Box', pounds: '4 lb', maker: { id: 'Ada', rank: 1 } },
  ],
  [
    'lets an alias look like a private one',
    '{ parcel { c__id: label id: weight c__c__id: id pounds } }',
    { c__id: 'Box', id: 2, c__c__id: 'p1', pounds: '4 lb' },
  ],
  [
    'answers an alias named __typename or a type under an alias',
    '{ parcel { __typename: label kind: __typename rank: id } }',
    { __typename: 'Box', kind: 'Parcel', rank: 'p1' },
  ],
  [
    'answers aliases that every object inherits',
    '{ parcel { constructor: label toString: id hasOwnProperty: label } }',
    { constructor: 'Box', toString: 'p1', hasOwnProperty: 'Box' },
  ],
];

for (const [name, query, expected] of cases) {
  test(name, async () => assert.deepEqual(await gateway.query(query), { data: { parcel: expected } }));
}

test('answers an alias named __proto__ as an own field, and pollutes nothing', async () => {
  const text = await gateway.engine.executeText(
    { query: '{ parcel { __proto__: maker { __proto__: rank } } }' },
    { headers: {}, signal: new AbortController().signal },
  );
  assert.equal(text, '{"data":{"parcel":{"__proto__":{"__proto__":1}}}}');
  assert.equal(Object.hasOwn(Object.prototype, 'rank'), false);
});

test('passes client variables whose names the planner uses itself', async () => {
  const query = `query($representations: String!, $contextualArgument_1_0: Boolean = true) {
    parcel { weight(unit: $representations) pounds @include(if: $contextualArgument_1_0) }
  }`;
  const result = await gateway.query(query, { representations: 'OZ' });
  assert.deepEqual(result, { data: { parcel: { weight: 70, pounds: '4 lb' } } });
});

test('an object whose type the failed fetch would have told is null, not empty', async () => {
  const shop = createTestGateway(shopSubgraphs());
  shop.replaced.set('products', async () => ({ data: { _entities: [null] }, errors: [{ message: 'dark' }] }));
  const { data, errors } = await shop.query('{ reviews { product { ... on Lamp { watts } } } }');
  const nothing = { product: null };
  assert.deepEqual(data, { reviews: [nothing, nothing, nothing, nothing] });
  assert.ok(errors);
});

test('asks for what some types need of an interface object without waiting for what others need', async () => {
  const key = '@key(fields: "id")';
  const { query, fetches } = createTestGateway({
    named: {
      typeDefs: `type Query { nodes: [Node] } interface Node ${key} { id: ID! name: String }
        type Dog implements Node ${key} { id: ID! name: String } type Cat implements Node ${key} { id: ID! name: String }
        type Cow implements Node ${key} { id: ID! name: String }`,
      resolvers: {
        Query: { nodes: () => ['Dog', 'Cat', 'Cow'].map((name) => ({ __typename: name, id: name, name })) },
      },
    },
    aged: {
      typeDefs: `type Node ${key} @interfaceObject { id: ID! name: String @external age: Int
        call: String @requires(fields: "name") }`,
      resolvers: { Node: { age: () => 3, call: ({ name }: { name?: string }) => `here, ${name}` } },
    },
  });
  assert.deepEqual(await query('{ nodes { ... on Dog { call } ... on Cat { age } ... on Cow { name } } }'), {
    data: { nodes: [{ call: 'here, Dog' }, { age: 3 }, { name: 'Cow' }] },
  });
  const asked = fetches.flatMap(({ subgraph, representations }) =>
    subgraph === 'aged' ? representations : [],
  );
  assert.match(String(asked), /Cat/);
  assert.doesNotMatch(String(asked), /Cow/);
});

for (const [when, text] of [
  ['at once', '{ parcel { box { label } } }'],
  ['what is deferred, too', '{ parcel { box { ... @defer { label } } } }'],
] as const)
  test(`waits for a context that another subgraph than that of the object brings: ${when}`, async () => {
    const key = '@key(fields: "id")';
    const { engine } = createTestGateway({
      boxes: {
        typeDefs: `type Query { parcel: Parcel } type Parcel ${key} { id: ID! box: Box } type Box ${key} { id: ID! }`,
        resolvers: { Query: { parcel: () => ({ id: 'p1', box: { id: 'b1' } }) } },
      },
      labels: {
        typeDefs: `type Parcel ${key} @context(name: "parcel") { id: ID! fragile: Boolean }
          type Box ${key} { id: ID! label(fragile: Boolean @fromContext(field: "$parcel { fragile }")): String }`,
        resolvers: {
          Parcel: { fragile: () => true },
          Box: { label: (_parent: unknown, { fragile }: { fragile?: boolean }) => `fragile: ${fragile}` },
        },
      },
    });
    const { data } = await readParts(await engine.executeInParts({ query: text }, testScope()));
    assert.deepEqual(data, { parcel: { box: { label: 'fragile: true' } } });
  });

test('an error at one object takes nothing from another one, nor from fields that do not require it', async () => {
  const key = '@key(fields: "id")';
  const { query } = createTestGateway({
    goods: {
      typeDefs: `type Query { parcels: [Parcel] } type Parcel ${key} { id: ID! weight: Int label: String }`,
      resolvers: {
        Query: { parcels: () => [new Error('lost'), { id: 'p1', weight: 2, label: new Error('torn') }] },
      },
    },
    shipping: {
      typeDefs: `type Parcel ${key} { id: ID! weight: Int @external depot: String pounds: String @requires(fields: "weight") }`,
      resolvers: { Parcel: { depot: () => 'Turin', pounds: () => '4 lb' } },
    },
  });
  const text = 'query($no: Boolean = false) { parcels { label depot pounds @include(if: $no) } }';
  const { data, errors } = await query(text);
  assert.deepEqual(data, { parcels: [null, { label: null, depot: 'Turin' }] });
  assert.equal(errors?.length, 2);
});

test('a field that requires nothing conditional is asked for where a conditional one with other arguments is not', async () => {
  const key = '@key(fields: "id")';
  const { query } = createTestGateway({
    goods: {
      typeDefs: `type Query { parcel: Parcel } type Parcel ${key} { id: ID! weight(unit: String = "KG"): Int tag: String }`,
      resolvers: {
        Query: { parcel: () => ({ id: 'p1', tag: 'T' }) },
        Parcel: { weight: (_parent: unknown, { unit }: { unit: string }) => weightIn(unit) },
      },
    },
    shipping: {
      typeDefs: `type Parcel ${key} { id: ID! weight(unit: String = "KG"): Int @external tag: String @external
          kilos: String @requires(fields: "weight") pounds: String @requires(fields: "weight(unit: \\"LB\\") tag") }`,
      resolvers: {
        Parcel: {
          kilos: ({ weight }: { weight: number }) => `${weight} kg`,
          pounds: ({ weight, tag }: { weight: number; tag: string }) => `${weight} lb ${tag}`,
        },
      },
    },
  });
  const text = 'query($no: Boolean!) { parcel { kilos pounds @include(if: $no) } }';
  assert.deepEqual(await query(text, { no: false }), { data: { parcel: { kilos: '2 kg' } } });
  assert.deepEqual(await query(text, { no: true }), {
    data: { parcel: { kilos: '2 kg', pounds: '4 lb T' } },
  });
});

test('a mutation that is asked for twice under different conditions runs once, where it stands first', async () => {
  const order: string[] = [];
  const run = (name: string) => () => {
    order.push(name);
    return { id: `c${order.length}`, name };
  };
  const gateway = createTestGateway({
    first: {
      typeDefs:
        'type Query { a: Int } type Mutation { count: Counter } type Counter { id: ID! name: String }',
      resolvers: { Mutation: { count: run('count') } },
    },
    second: {
      typeDefs: 'type Query { b: Int } type Mutation { other: Other } type Other { id: ID! }',
      resolvers: { Mutation: { other: run('other') } },
    },
  });
  const text = `mutation ($no: Boolean!, $yes: Boolean!) {
    count @skip(if: $no) { id } ...Rest @include(if: $yes) other { id } count @include(if: $yes) { again: id } count @skip(if: $no) { more: id } }
    fragment Rest on Mutation { late: count @skip(if: $no) { name } }`;
  const ask = async (no: boolean, yes: boolean) => {
    order.splice(0);
    const { data, errors } = await gateway.query(text, { no, yes });
    assert.equal(errors, undefined);
    return { keys: Object.keys(data ?? {}), count: data?.['count'], order: order.join(' ') };
  };
  assert.deepEqual(await ask(false, true), {
    keys: ['count', 'late', 'other'],
    count: { id: 'c1', again: 'c1', more: 'c1' },
    order: 'count count other',
  });
  assert.deepEqual(await ask(true, true), {
    keys: ['other', 'count'],
    count: { again: 'c2' },
    order: 'other count',
  });
  assert.deepEqual(await ask(false, false), {
    keys: ['count', 'other'],
    count: { id: 'c1', more: 'c1' },
    order: 'count other',
  });
  assert.deepEqual(await ask(true, false), { keys: ['other'], count: undefined, order: 'other' });
});

test('asks for what is required of some types’ objects only, where two subgraphs know their interface as an object', async () => {
  const faraway = createTestGateway({
    entry: {
      typeDefs: `type Query { start: [Node] }
        type Node @key(fields: "id") @interfaceObject { id: ID! }`,
      resolvers: { Query: { start: () => [{ id: 'p1' }, { id: 'q1' }] } },
    },
    types: {
      typeDefs: `interface Node @key(fields: "id") { id: ID! needed: String }
        type Pen implements Node @key(fields: "id") { id: ID! needed: String ink: String }
        type Quill implements Node @key(fields: "id") { id: ID! needed: String }`,
      resolvers: {
        Node: { __resolveType: ({ id }: { id: string }) => (id.startsWith('p') ? 'Pen' : 'Quill') },
        Pen: { needed: () => 'n', ink: () => 'blue' },
        Quill: { needed: () => 'm' },
      },
    },
    data: {
      typeDefs: `type Node @key(fields: "id") @interfaceObject { id: ID! needed: String @external
        data: String @requires(fields: "needed") }`,
      resolvers: { Node: { data: ({ id, needed }: Record<string, string>) => `${id} ${needed}` } },
    },
  });
  const [pen, quill] = [{ data: 'p1 n' }, { data: 'q1 m' }];
  const answers: readonly (readonly [query: string, start: readonly unknown[]])[] = [
    ['{ start { ... on Pen { data } } }', [pen, {}]],
    ['{ start { ... on Pen { id data } data } }', [{ id: 'p1', ...pen }, quill]],
    [
      '{ start { ...P ...Q } } fragment P on Pen { ink ...D } fragment D on Node { data } fragment Q on Quill { id }',
      [{ ink: 'blue', ...pen }, { id: 'q1' }],
    ],
    [
      '{ start { ... on Pen @skip(if: true) { data } ... on Quill @include(if: true) { data } } }',
      [{}, quill],
    ],
    // One name for two fields.
    ['{ start { ... on Pen { data: ink } ... on Quill { data } } }', [{ data: 'blue' }, quill]],
  ];
  for (const [query, start] of answers) assert.deepEqual(await faraway.query(query), { data: { start } });
});
