import assert from 'node:assert/strict';
import { test } from 'node:test';
import { isResultStream } from '#platform/subgraph-endpoint.ts';
import { readParts } from '../../support/federation/incremental.ts';
import { createTestGateway, testScope } from '../../support/federation/supergraph.ts';

type Given = Record<string, unknown>;
const RATES: Record<string, number> = { EUR: 1, USD: 2, JPY: 100 };
const priced = (_parent: unknown, { in: currency }: { in: string }) => RATES[currency];
const shown = (field: string) => (given: Given) => JSON.stringify(given[field]);

/** `Goods` ask `Wares` for one price in several currencies: at once, through objects, through interfaces, and one through the other. */
const SUBGRAPHS = {
  wares: {
    typeDefs: `type Query { ware: Ware wares: [[Ware]] things: [Thing] pets: [Pet] }
      type Mutation { reprice: Ware discount: Ware }
      type Subscription { priced: Ware }
      type Ware @key(fields: "id") { id: ID! name: String price(in: String! = "EUR"): Int parts(first: Int = 9): [Part] box: Box
        labels(of: [String!], with: Look): [String] r1__price: String }
      type Part { cost(in: String): Int size: Int }
      type Box { part: Part cost(in: String): Int }
      input Look { bold: Boolean = true size: Int }
      union Thing = Ware | Cat
      interface Pet { id: ID! age(of: String = "years"): Int }
      type Dog implements Pet @key(fields: "id") { id: ID! age(of: String = "years"): Int }
      type Cat implements Pet @key(fields: "id") { id: ID! age(of: String = "years"): Int }`,
    resolvers: {
      Query: {
        ware: () => ware('w1'),
        wares: () => [[ware('w1'), null], null, [ware('w2')]],
        things: () => [ware('w1'), { __typename: 'Cat', id: 'c1' }],
        pets: () => [
          { __typename: 'Dog', id: 'd1' },
          { __typename: 'Cat', id: 'c1' },
        ],
      },
      Mutation: { reprice: () => ware('w1'), discount: () => ware('w2') },
      Subscription: {
        priced: {
          subscribe: async function* () {
            yield { priced: ware('w1') };
            yield { priced: ware('w2') };
          },
        },
      },
      Ware: {
        __resolveReference: ({ id }: { id: string }) => ware(id),
        price: priced,
        labels: (_parent: unknown, given: Given) => [JSON.stringify(given)],
        parts: (_parent: unknown, { first }: { first: number }) =>
          [{ size: 1 }, null, { size: 2 }].slice(0, first),
      },
      Part: { cost: priced },
      Box: { cost: priced },
      Dog: { age: (_parent: unknown, given: { of: string }) => (given.of === 'months' ? 36 : 3) },
      Cat: { age: (_parent: unknown, given: { of: string }) => (given.of === 'months' ? 60 : 5) },
    },
  },
  goods: {
    typeDefs: `
      type Ware @key(fields: "id") { id: ID! price(in: String! = "EUR"): Int @external parts(first: Int = 9): [Part] @external
        box: Box @external labels(of: [String!], with: Look): [String] @external name: String @external
        euros: String @requires(fields: "price") dollars: String @requires(fields: "price(in: \\"USD\\") name")
        yen(rounded: Boolean): String @requires(fields: "price(in: \\"JPY\\")") one: String @requires(fields: "parts(first: 1) { size }")
        two: String @requires(fields: "parts(first: 3) { size cost(in: \\"USD\\") }")
        boxed: String @requires(fields: "box { cost(in: \\"USD\\") part { cost(in: \\"EUR\\") } }")
        packed: String @requires(fields: "box { cost(in: \\"JPY\\") part { cost(in: \\"EUR\\") } }")
        bold: String @requires(fields: "labels(of: [\\"a\\", \\"b\\"], with: { size: 1 })")
        thin: String @requires(fields: "labels(of: [], with: { size: 2, bold: false })") }
      type Part { cost(in: String): Int @external size: Int @external }
      type Box { part: Part @external cost(in: String): Int @external }
      input Look { bold: Boolean = true size: Int }
      type Cat @key(fields: "id") { id: ID! age(of: String = "years"): Int @external old: String @requires(fields: "age(of: \\"months\\")")
        dollars: String @requires(fields: "age") }`,
    resolvers: {
      Ware: {
        euros: shown('price'),
        dollars: shown('price'),
        yen: shown('price'),
        one: shown('parts'),
        two: shown('parts'),
        boxed: shown('box'),
        packed: shown('box'),
        bold: shown('labels'),
        thin: shown('labels'),
      },
      Cat: { old: shown('age'), dollars: shown('age') },
    },
  },
  taxes: {
    typeDefs: `type Ware @key(fields: "id") { id: ID! price(in: String! = "EUR"): Int @external
        yen(rounded: Boolean): String @external
        tax: String @requires(fields: "price(in: \\"JPY\\")") duty: String @requires(fields: "price(in: \\"USD\\") yen(rounded: true)")
        toll: String @requires(fields: "yen(rounded: false)") }`,
    resolvers: {
      Ware: {
        tax: shown('price'),
        duty: (given: Given) => `${shown('price')(given)} ${given['yen']}`,
        toll: shown('yen'),
      },
    },
  },
};

function ware(id: string) {
  return { __typename: 'Ware', id, name: `ware ${id}`, box: { part: {} }, r1__price: 'a field of that name' };
}

const { query, engine, fetches, replaced } = createTestGateway(SUBGRAPHS);

const cases: readonly [name: string, query: string, expected: unknown][] = [
  ['in one subgraph', '{ ware { euros dollars yen } }', { ware: { euros: '1', dollars: '2', yen: '100' } }],
  [
    'in two subgraphs, beside the client',
    '{ ware { dollars tax price(in: "EUR") r1__price p: price(in: "USD") } }',
    { ware: { dollars: '2', tax: '100', price: 1, r1__price: 'a field of that name', p: 2 } },
  ],
  [
    'where what is required requires something itself',
    '{ ware { duty euros toll } }',
    { ware: { duty: '2 100', euros: '1', toll: '"100"' } },
  ],
  [
    'with different selections of a list',
    '{ ware { one two parts(first: 2) { size } } }',
    {
      ware: {
        one: '[{"size":1}]',
        two: '[{"size":1,"cost":2},null,{"size":2,"cost":2}]',
        parts: [{ size: 1 }, null],
      },
    },
  ],
  [
    'inside a required object',
    '{ ware { boxed packed box { cost(in: "EUR") } } }',
    {
      ware: {
        boxed: '{"cost":2,"part":{"cost":1}}',
        packed: '{"cost":100,"part":{"cost":1}}',
        box: { cost: 1 },
      },
    },
  ],
  [
    'with lists and input objects',
    '{ ware { bold thin labels } }',
    {
      ware: {
        bold: JSON.stringify(['{"of":["a","b"],"with":{"bold":true,"size":1}}']),
        thin: JSON.stringify(['{"of":[],"with":{"bold":false,"size":2}}']),
        labels: ['{}'],
      },
    },
  ],
  [
    'in nested lists',
    '{ wares { euros yen } }',
    { wares: [[{ euros: '1', yen: '100' }, null], null, [{ euros: '1', yen: '100' }]] },
  ],
  [
    'in a union',
    '{ things { ... on Ware { dollars yen } ... on Cat { dollars old } } }',
    {
      things: [
        { dollars: '2', yen: '100' },
        { dollars: '5', old: '60' },
      ],
    },
  ],
  [
    'behind an interface that the client asks with arguments',
    '{ pets { age(of: "months") ... on Cat { old dollars } } }',
    { pets: [{ age: 36 }, { age: 60, old: '60', dollars: '5' }] },
  ],
  [
    'through fragments, under aliases',
    '{ ware { ...F ... { b: yen } } } fragment F on Ware { dollars ...G } fragment G on Ware { a: dollars c: yen(rounded: true) }',
    { ware: { dollars: '2', a: '2', c: '100', b: '100' } },
  ],
  [
    'in the root fields of a mutation',
    'mutation { reprice { dollars yen } discount { yen euros } }',
    { reprice: { dollars: '2', yen: '100' }, discount: { yen: '100', euros: '1' } },
  ],
];

for (const [name, text, expected] of cases) {
  test(`answers what requires one field with different arguments, ${name}`, async () =>
    assert.deepEqual(await query(text), { data: expected }));
}

test('asks once for what several fields require alike, and with the variables that are used', async () => {
  fetches.length = 0;
  const text =
    'query($r: Boolean, $y: Boolean!) { ware { dollars yen(rounded: $r) @include(if: $y) d: dollars } }';
  const ask = (y: boolean) => query(text, { r: true, y });
  assert.deepEqual(await ask(true), { data: { ware: { dollars: '2', yen: '100', d: '2' } } });
  assert.deepEqual(
    fetches.map(({ subgraph, variables }) => [subgraph, variables]),
    [
      ['wares', { y: true }],
      ['goods', {}],
      ['goods', { r: true, y: true }],
    ],
  );
  assert.deepEqual(await ask(false), { data: { ware: { dollars: '2', d: '2' } } });
});

test('every event of a subscription gets what its fields require', async () => {
  const stream = await engine.subscribe({ query: 'subscription { priced { yen dollars } }' }, testScope());
  assert.ok(isResultStream(stream));
  for (let events = 0; events < 2; events++)
    assert.deepEqual((await stream.next()).value, { data: { priced: { yen: '100', dollars: '2' } } });
  await stream.return?.();
});

test('what is deferred gets what its fields require', async () => {
  const text = '{ ware { name ... @defer(label: "a") { yen dollars } ... @defer(label: "b") { duty } } }';
  const { data } = await readParts(await engine.executeInParts({ query: text }, testScope()));
  assert.deepEqual(data, { ware: { name: 'ware w1', yen: '100', dollars: '2', duty: '2 100' } });
});

test('an error at what is required bears the name of the field', async () => {
  const error = { message: 'no rate', path: ['ware', 'r2__price'] };
  replaced.set('wares', async () => ({ data: { ware: null }, errors: [error] }));
  const { errors } = await query('{ ware { yen dollars } }');
  replaced.delete('wares');
  assert.deepEqual(
    errors?.map(({ path }) => path),
    [['ware', 'price']],
  );
});

test('an argument from a context keeps its own arguments apart from those of the client', async () => {
  const rate = (_parent: unknown, { of }: { of: number }) => of * 10;
  const said = (_parent: unknown, { rate: from }: { rate?: number }) => `at ${from}`;
  const shop = createTestGateway({
    wares: {
      typeDefs: `type Query { ware: Ware } type Ware @key(fields: "id") { id: ID! }`,
      resolvers: { Query: { ware: () => ({ id: 'w1' }) } },
    },
    offers: {
      typeDefs: `type Ware @key(fields: "id") @context(name: "ware") { id: ID! rate(of: Int = 1): Int offer: Offer }
        type Offer @key(fields: "id") { id: ID! plain(rate: Int @fromContext(field: "$ware { rate }")): String
          high(rate: Int @fromContext(field: "$ware ... on Ware { rate(of: 9) }")): String }`,
      resolvers: { Ware: { rate, offer: () => ({ id: 'o1' }) }, Offer: { plain: said, high: said } },
    },
  });
  assert.deepEqual(await shop.query('{ ware { rate(of: 2) offer { plain high } } }'), {
    data: { ware: { rate: 20, offer: { plain: 'at 10', high: 'at 90' } } },
  });
});
