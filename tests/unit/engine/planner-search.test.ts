import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readParts } from '../../support/federation/incremental.ts';
import { createTestGateway, testScope } from '../../support/federation/supergraph.ts';

const key = '@key(fields: "id")';
const next = ({ id }: { id: string }) => ({ id: String(Number(id) + 1) });

/** Objects of many types, which another subgraph links with each other without knowing any. */
function linked(types: number) {
  const names = Array.from({ length: types }, (_, index) => `T${index}`);
  return createTestGateway({
    types: {
      typeDefs: `type Query { any: [Any] nodes: [Node] } union Any = ${names.join(' | ')}
        interface Node ${key} { id: ID! name: String }
        ${names.map((name) => `type ${name} implements Node ${key} { id: ID! name: String own${name}: Int }`).join('\n')}`,
      resolvers: {
        Query: {
          any: () => [{ __typename: 'T1', id: '1' }],
          nodes: () => [{ __typename: 'T1', id: '1' }],
        },
        Node: { __resolveType: ({ id }: { id: string }) => `T${id}` },
        ...Object.fromEntries(
          names.map((name) => [
            name,
            { name: ({ id }: { id: string }) => `name of ${id}`, [`own${name}`]: () => 7 },
          ]),
        ),
      },
    },
    links: {
      typeDefs: `type Query { start: Node } type Node ${key} @interfaceObject { id: ID! peer: Node rank: Int name: String @external
        call: String @requires(fields: "name") }`,
      resolvers: {
        Query: { start: () => ({ id: '0' }) },
        Node: { peer: next, rank: () => 1, call: ({ name }: { name?: string }) => `hey ${name}` },
      },
    },
  });
}

const below = (depth: number, selection: string): string =>
  depth === 0 ? selection : `{ peer ${below(depth - 1, selection)} }`;

const objectBelow = (depth: number, object: unknown): unknown =>
  depth === 0 ? object : { peer: objectBelow(depth - 1, object) };

for (const [types, depth] of [
  [4, 3],
  [24, 12],
] as const)
  test(`links between objects of ${types} types, ${depth} deep, are planned at once`, async () => {
    const { query, fetches } = linked(types);
    assert.deepEqual(await query(`{ start ${below(depth, '{ id }')} }`), {
      data: { start: objectBelow(depth, { id: String(depth) }) },
    });
    assert.equal(fetches.length, 1);
    const told = { name: `name of ${depth}`, call: `hey name of ${depth}`, [`ownT${depth}`]: 7, rank: 1 };
    assert.deepEqual(
      await query(`{ start ${below(depth, `{ name call ... on T${depth} { ownT${depth} rank } }`)} }`),
      {
        data: { start: objectBelow(depth, told) },
      },
    );
  });

test('objects of a union are followed from all of its types together', async () => {
  const { query, fetches } = linked(8);
  const text = `{ any { ... on Node ${below(5, '{ name }')} } nodes ${below(4, '{ rank }')} }`;
  assert.deepEqual(await query(text), {
    data: { any: [objectBelow(5, { name: 'name of 6' })], nodes: [objectBelow(4, { rank: 1 })] },
  });
  assert.equal(fetches.length, 4);
});

/** Two subgraphs that share the links, so that each can be followed in either. */
const shared = (types: number) => {
  const links = (own: string) => ({
    typeDefs: `type Query { start: Node @shareable }
      type Node ${key} @interfaceObject { id: ID! peer: Node @shareable ${own}: Int }`,
    resolvers: { Query: { start: () => ({ id: '0' }) }, Node: { peer: next, [own]: () => 1 } },
  });
  const names = Array.from({ length: types }, (_, index) => `T${index}`);
  return createTestGateway({
    types: {
      typeDefs: `type Query { alive: Boolean } interface Node ${key} { id: ID! }
        ${names.map((name) => `type ${name} implements Node ${key} { id: ID! }`).join('\n')}`,
    },
    left: links('rank'),
    right: links('size'),
  });
};

test('links that two subgraphs share are followed in either', async () => {
  const { query } = shared(6);
  assert.deepEqual(
    await query(`{ start { rank ${'peer { size peer { rank '.repeat(6)} ${'} }'.repeat(6)} } }`),
    {
      data: {
        start: Array.from({ length: 6 }).reduce((inner) => ({ rank: 1, peer: { size: 1, peer: inner } }), {
          rank: 1,
        }),
      },
    },
  );
});

test('what would be combined in too many ways is refused before memory ends', async () => {
  const { query, fetches } = shared(20);
  const { data, errors } = await query('{ start { rank peer { size peer { rank } } } }');
  assert.equal(data, undefined);
  assert.deepEqual(
    errors?.map(({ extensions }) => extensions?.['code']),
    ['PLAN_UNSOUND'],
  );
  assert.deepEqual(fetches, []);
});

/** Objects of many types, of which two subgraphs share a field. */
function described(types: number, withOwn: string) {
  const names = Array.from({ length: types }, (_, index) => `T${index}`);
  const objects = (fields: (name: string) => string) =>
    names.map((name) => `type ${name} implements Media ${key} { id: ID! ${fields(name)} }`).join('\n');
  const describing = (own: string) => ({
    typeDefs: `interface Media { id: ID! author: Author }
      ${objects((name) => `author: Author @shareable ${name === withOwn && own === 'name' ? 'extra: Int' : ''}`)}
      type Author ${key} { id: ID! ${own}: String }`,
    resolvers: {
      Author: { [own]: () => own },
      ...Object.fromEntries(names.map((name) => [name, { author: () => ({ id: 'a' }), extra: () => 7 }])),
    },
  });
  return createTestGateway({
    media: {
      typeDefs: `type Query { media: [Media] } interface Media { id: ID! } ${objects(() => '')}`,
      resolvers: { Query: { media: () => names.map((name) => ({ __typename: name, id: name })) } },
    },
    left: describing('name'),
    right: describing('city'),
  });
}

test('a field that two subgraphs share for objects of many types is fetched from one of them', async () => {
  const { query, fetches } = described(24, 'T7');
  const { data, errors } = await query('{ media { author { city } ... on T7 { extra } } }');
  assert.equal(errors, undefined);
  const media = (index: number) => ({ author: { city: 'city' }, ...(index === 7 && { extra: 7 }) });
  assert.deepEqual(data, { media: Array.from({ length: 24 }, (_, index) => media(index)) });
  assert.deepEqual(fetches.map(({ subgraph }) => subgraph).toSorted(), ['left', 'media', 'right']);
});

test('what is deferred below links is planned, too', async () => {
  const { engine } = linked(6);
  const query = `{ start ${below(3, '{ ... on T3 { name ... @defer { id rank call } } peer { id ... @defer { name peer { id } } } }')} }`;
  const { data } = await readParts(await engine.executeInParts({ query }, testScope()));
  const peer = { id: '4', name: 'name of 4', peer: { id: '5' } };
  const object = { name: 'name of 3', id: '3', rank: 1, call: 'hey name of 3', peer };
  assert.deepEqual(data, { start: objectBelow(3, object) });
});
