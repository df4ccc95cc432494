import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSupergraphState } from '../../../gateway/engine/supergraph-state.ts';
import { planOf } from '../../support/federation/planned.ts';
import {
  composeSupergraph,
  createTestGateway,
  type TestSubgraphs,
} from '../../support/federation/supergraph.ts';

const KEY = '@key(fields: "id")';

interface Thing {
  readonly id: string;
  readonly size?: number;
  readonly area?: number;
}

/** `second` is where operations start: `area` requires `size` of `first`, and `ratio` of `third` requires `area`. */
const CHAIN: TestSubgraphs = {
  first: {
    typeDefs: `type Thing ${KEY} { id: ID! size(unit: String = "CM"): Int }`,
    resolvers: {
      Thing: {
        size: ({ id }: Thing, { unit }: { unit: string }) => Number(id) * (unit === 'MM' ? 10 : 1),
      },
    },
  },
  second: {
    typeDefs: `type Query { thing(id: ID!): Thing rows: [[Thing!]!]! any: Any shelf: Shelf }
      type Mutation { add: Thing }
      union Any = Thing | Shelf
      type Shelf { name: String things: [Thing] }
      type Thing ${KEY} { id: ID! name: String size(unit: String = "CM"): Int @external
        area(times: Int = 1): Int @requires(fields: "size")
        fine: Int @requires(fields: "size(unit: \\"MM\\")") }`,
    resolvers: {
      Query: {
        thing: (_: unknown, { id }: Thing) => ({ id, name: 'T' }),
        rows: () => [[{ id: '2' }, { id: '3' }], []],
        any: () => ({ __typename: 'Thing', id: '4' }),
        shelf: () => ({ name: 'S', things: [{ id: '5' }, null] }),
      },
      Mutation: { add: () => ({ id: '6' }) },
      Thing: {
        area: ({ size = Number.NaN }: Thing, { times }: { times: number }) => size * size * times,
        fine: ({ size }: Thing) => size,
      },
    },
  },
  third: {
    typeDefs: `type Thing ${KEY} { id: ID! area(times: Int = 1): Int @external fine: Int @external
      ratio: String @requires(fields: "area") both: String @requires(fields: "area(times: 2) fine") }`,
    resolvers: {
      Thing: {
        ratio: ({ area }: Thing) => `ratio ${area}`,
        both: ({ area, fine }: Thing & { fine?: number }) => `both ${area} ${fine}`,
      },
    },
  },
};

const gateway = createTestGateway(CHAIN);
const state = createSupergraphState(composeSupergraph(CHAIN));

const cases: readonly [name: string, query: string, data: unknown][] = [
  ['alone', '{ thing(id: "3") { ratio } }', { thing: { ratio: 'ratio 9' } }],
  [
    'beside other fields, under other names',
    '{ one: thing(id: 3) { called: name id: ratio area: area(times: 3) } }',
    { one: { called: 'T', id: 'ratio 9', area: 27 } },
  ],
  [
    'with arguments in what is required',
    '{ thing(id: 3) { both ratio fine } }',
    { thing: { both: 'both 18 30', ratio: 'ratio 9', fine: 30 } },
  ],
  ['in lists of lists', '{ rows { ratio } }', { rows: [[{ ratio: 'ratio 4' }, { ratio: 'ratio 9' }], []] }],
  [
    'in a union',
    '{ any { __typename ... on Thing { ratio } ... on Shelf { name } } }',
    { any: { __typename: 'Thing', ratio: 'ratio 16' } },
  ],
  [
    'below something without a key',
    '{ shelf { things { id ratio } name } }',
    { shelf: { things: [{ id: '5', ratio: 'ratio 25' }, null], name: 'S' } },
  ],
  ['in a mutation', 'mutation { add { ratio area } }', { add: { ratio: 'ratio 36', area: 36 } }],
];

for (const [name, query, data] of cases)
  test(`a chain of @requires is answered ${name}`, async () => {
    const { plan, check } = planOf(state, query);
    assert.notEqual(check(plan), null, 'the planner has no fault any more');
    assert.deepEqual(await gateway.query(query), { data });
  });

for (const [isIn, data] of [
  [true, { ratio: 'ratio 9', name: 'T' }],
  [false, { name: 'T' }],
] as const)
  test(`a chain of @requires under a condition that is ${isIn}`, async () => {
    const query = `query ($id: ID!, $in: Boolean!, $times: Int) { thing(id: $id) { ... @include(if: $in) { ratio } name
      ... @include(if: $in) { area(times: $times) @skip(if: true) } } }`;
    assert.deepEqual(await gateway.query(query, { id: 3, in: isIn, times: 4 }), { data: { thing: data } });
  });

test('what a subgraph is to be sent is not asked of it', async () => {
  const listings = createTestGateway({
    library: {
      typeDefs: `type Query { listings: [Listing] } type Listing @key(fields: "edition { isbn }") { edition: Edition! }
        type Edition { isbn: ID! @shareable book: Book! } type Book { number: Int! }`,
      resolvers: {
        Query: { listings: () => [{ edition: { isbn: 'i1', book: { number: 7 } } }] },
      },
    },
    critic: {
      typeDefs: `type Listing @key(fields: "edition { isbn }") { edition: Edition! @shareable
          praise: String @requires(fields: "edition { book { number } }") }
        type Edition { isbn: ID! @shareable book: Book! @external } type Book { number: Int! @external }`,
      resolvers: {
        Listing: {
          praise: ({ edition }: { edition: { isbn: string; book: { number: number } } }) =>
            `${edition.isbn} has ${edition.book.number}`,
        },
      },
    },
  });
  assert.deepEqual(await listings.query('{ listings { edition { book { number } } praise } }'), {
    data: { listings: [{ edition: { book: { number: 7 } }, praise: 'i1 has 7' }] },
  });
});
