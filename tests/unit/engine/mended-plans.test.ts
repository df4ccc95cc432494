import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createSupergraphState } from '../../../gateway/engine/supergraph-state.ts';
import { planOf } from '../../support/federation/planned.ts';
import { ref, subgraphsOver, type SharedData } from '../../support/federation/shared-data.ts';
import { composeSupergraph, createTestGateway } from '../../support/federation/supergraph.ts';

const ID = '@key(fields: "id") { id: ID!';
const PAIR = '@key(fields: "pair { a }") { pair: Pair!';
const BOTH = '@key(fields: "id") @key(fields: "pair { a }") { id: ID! pair: Pair!';

/** A field that tells what it was computed from, as the subgraph that resolves it sees that. */
const of =
  (...fields: readonly string[]) =>
  (_: unknown, self: Record<string, unknown> | undefined) =>
    `(${fields.map((field) => JSON.stringify(self?.[field])).join()})`.replaceAll('"', '');

const pair = (a: string) => ({ pair: { a } });
const THING = { ...pair('t1'), size: 3, area: of('size'), mass: of('size'), ratio: of('area'), name: 'T' };
const ONE = { roots: { thing: ref('Thing', 't1') }, entities: { Thing: { t1: THING } } };

/** For all of these the planner makes a plan that would answer wrongly. */
const cases: readonly {
  readonly name: string;
  /** All of them know `Pair`. */
  readonly sdls: Readonly<Record<string, string>>;
  readonly data: SharedData;
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  readonly answer: unknown;
}[] = [
  {
    name: 'what is required is asked of a subgraph that has it from elsewhere, and found by one of several keys',
    sdls: {
      entry: `type Query { thing: Thing } type Thing ${PAIR} size: Int @external mass: String @requires(fields: "size") }`,
      owner: `type Thing ${BOTH} size: Int area: String @external ratio: String @requires(fields: "area") }`,
      third: `type Thing ${PAIR} size: Int @external area: String @requires(fields: "size") }`,
    },
    data: ONE,
    query: '{ thing { ratio } }',
    answer: { thing: { ratio: '((3))' } },
  },
  {
    name: 'the key of what is required comes with the fetch that would need it',
    sdls: {
      entry: `type Query { thing: Thing } type Thing ${PAIR} }`,
      middle: `type Thing ${BOTH} size: Int @external area: String @requires(fields: "size") }`,
      owner: `type Thing ${ID} size: Int area: String @external ratio: String @requires(fields: "area") }`,
    },
    data: ONE,
    query: '{ thing { ratio } }',
    answer: { thing: { ratio: '((3))' } },
  },
  {
    name: 'an object that is required is another subgraph’s, and so is some of what is below it',
    sdls: {
      first: `type Thing ${ID} part: Part note: String @external ratio: String @requires(fields: "note") }
        type Part ${ID} area: String @external mass: String @requires(fields: "area") }`,
      second: `type Query { thing: Thing } type Thing ${ID} part: Part @external note: String @requires(fields: "part { mass }") }
        type Part ${ID} size: Int @external area: String @requires(fields: "size") mass: String @external }`,
      third: `type Part ${ID} size: Int }`,
    },
    data: {
      roots: ONE.roots,
      entities: {
        Thing: { t1: { part: ref('Part', 'p1'), note: of('part'), ratio: of('note') } },
        Part: { p1: { size: 3, area: of('size'), mass: of('area') } },
      },
    },
    query: '{ thing { ratio } }',
    answer: { thing: { ratio: '(({mass:((3))}))' } },
  },
  {
    name: 'the subgraph of an object that is required does not know by what another one finds it',
    sdls: {
      entry: `type Query { thing: Thing } type Part ${BOTH} mass: Int @external }
        type Thing ${BOTH} part: Part @external area: String @requires(fields: "part { mass }") }`,
      owner: `type Part ${ID} mass: Int }`,
      third: `type Part ${PAIR} } type Thing ${PAIR} part: Part area: String @external ratio: String @requires(fields: "area") }`,
    },
    data: {
      roots: ONE.roots,
      entities: {
        Thing: { t1: { ...THING, part: ref('Part', 'p1'), area: of('part') } },
        Part: { p1: { ...pair('p1'), mass: 7 } },
      },
    },
    query: '{ thing { ratio } }',
    answer: { thing: { ratio: '(({mass:7}))' } },
  },
  {
    name: 'a field travels under another name, since its type differs between objects',
    sdls: {
      first: `type Thing ${ID} size: Int } type Query { shelf: Shelf } type Shelf { name: String @shareable }`,
      second: `type Query { any: Any } union Any = Thing | Shelf type Shelf { name: String! @shareable }
        type Thing ${ID} name: String parts: [Thing] size: Int @external area: String @requires(fields: "size") }`,
      third: `type Thing ${ID} area: String @external ratio: String @requires(fields: "area") }`,
    },
    data: {
      roots: { any: ref('Thing', 't1'), shelf: { __typename: 'Shelf', name: 'S' } },
      entities: { Thing: { t1: { ...THING, parts: [ref('Thing', 't2')] }, t2: { ...THING, size: 4 } } },
    },
    query: `{ any { ... on Thing { one: ratio name parts { ratio } } ... on Shelf { name } } }`,
    answer: { any: { one: '((3))', name: 'T', parts: [{ ratio: '((4))' }] } },
  },
  {
    name: 'nobody has told the types of objects yet that a subgraph knows by their interface',
    sdls: {
      entry: `type Query { things: [Node] } type Node @key(fields: "id") @interfaceObject { id: ID! }`,
      types: `interface Node @key(fields: "id") { id: ID! } type Other implements Node ${ID} }
        type Thing implements Node ${ID} size: Int @external area: String @requires(fields: "size") }`,
      owner: `type Thing ${ID} size: Int area: String @external ratio: String @requires(fields: "area") }`,
    },
    data: {
      roots: { things: [ref('Thing', 't1'), ref('Other', 'o1')] },
      entities: { Thing: { t1: THING }, Other: { o1: {} } },
    },
    query: '{ things { id ... on Thing { ratio } } }',
    answer: { things: [{ id: 't1', ratio: '((3))' }, { id: 'o1' }] },
  },
  {
    name: 'an interface object’s field requires something of objects of one type of a union',
    sdls: {
      first: `type Query { any: [Any] } union Any = Thing | Other interface Node @key(fields: "id") { id: ID! size: Int }
        type Other implements Node ${ID} size: Int } type Thing implements Node ${BOTH} size: Int
          name: String @external mass: String @requires(fields: "name") }`,
      second: `type Thing ${PAIR} name: String mass: String @external ratio: String @requires(fields: "mass") }`,
      objects: `type Node @key(fields: "id") @interfaceObject { id: ID! size: Int @external area: String @requires(fields: "size") }`,
    },
    data: {
      roots: { any: [ref('Thing', 't1'), ref('Other', 'o1')] },
      entities: {
        Thing: { t1: { ...THING, mass: of('name'), ratio: of('mass') } },
        Other: { o1: { size: 4, area: of('size') } },
      },
    },
    query: 'query ($yes: Boolean!) { any { ... on Thing { ratio area @include(if: $yes) } } }',
    variables: { yes: true },
    answer: { any: [{ ratio: '((T))', area: '(3)' }, {}] },
  },
  {
    name: 'some of what a fetch sends is there under a condition only',
    sdls: {
      entry: `type Query { thing: Thing } type Thing ${ID} size: Int @external area: String @requires(fields: "size") }`,
      owner: `type Thing ${ID} size: Int name: String area: String @external ratio: String @requires(fields: "area") }`,
    },
    data: ONE,
    query: 'query ($yes: Boolean!) { thing { ratio @include(if: $yes) name size } }',
    variables: { yes: false },
    answer: { thing: { name: 'T', size: 3 } },
  },
  {
    name: 'what is asked for anyway is required under a condition, too',
    sdls: {
      entry: `type Query { thing: Thing } type Thing ${BOTH} name: String size: Int @external area: String @requires(fields: "size") }`,
      owner: `type Thing ${PAIR} size: Int name: String @external area: String @external
        note: String @requires(fields: "name area") }`,
    },
    data: { ...ONE, entities: { Thing: { t1: { ...THING, note: of('name', 'area') } } } },
    query: 'query ($no: Boolean!) { thing { area note @skip(if: $no) } }',
    variables: { no: true },
    answer: { thing: { area: '(3)' } },
  },
  {
    name: 'a context would be read beside the fetch that brings it',
    sdls: {
      first: `type Thing ${BOTH} next: Thing @shareable }`,
      second: `type Query { thing: Thing } type Thing ${ID} next: Thing @shareable far: Said } type Said ${ID} }`,
      third: `type Thing @context(name: "thing") ${PAIR} size: Int }
        type Said ${ID} said(size: Int @fromContext(field: "$thing { size }")): String }`,
    },
    data: {
      roots: ONE.roots,
      entities: {
        Thing: {
          t1: { ...THING, next: ref('Thing', 't2') },
          t2: { ...pair('t2'), size: 4, far: ref('Said', 's1') },
        },
        Said: { s1: { said: ({ size }: { size?: number }) => `said ${size}` } },
      },
    },
    query: '{ thing { next { size far { said } } } }',
    answer: { thing: { next: { size: 4, far: { said: 'said 4' } } } },
  },
];

for (const { name, sdls, data, query, variables, answer } of cases)
  test(`answers where ${name}`, async () => {
    const withPair = Object.entries(sdls).map(([subgraph, sdl]) => [
      subgraph,
      sdl.includes('Pair') ? `${sdl} type Pair @shareable { a: ID! }` : sdl,
    ]);
    const subgraphs = subgraphsOver(data, Object.fromEntries(withPair));
    const sdl = composeSupergraph(subgraphs);
    const { plan, check } = planOf(createSupergraphState(sdl), query);
    assert.notEqual(check(plan), null, 'the planner has no fault any more');
    const gateway = createTestGateway(subgraphs, sdl);
    assert.deepEqual(await gateway.query(query, variables), { data: answer });
  });
