import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { composeSupergraph } from '../../support/federation/supergraph.ts';
import { ANYBODY, same, scoped, SIGNED_IN, start, unauthorized } from './authorization-kit.ts';

const resolvers = {
  Query: {
    nodes: () => [
      { __typename: 'Open', id: '1', name: 'one', open: 'o', friend: { id: '3', name: 'Ada' } },
      { __typename: 'Secret', id: '2', name: 'two', secret: 's', friend: { id: '4', name: 'Bob' } },
    ],
  },
};
Object.assign(resolvers.Query, { node: () => resolvers.Query.nodes()[0], any: resolvers.Query.nodes });

const graph = (types: string) => ({
  a: {
    typeDefs: `type Query { nodes: [Node!]! node: Node any: [Any!]! } union Any = Open | Secret
      type Friend { id: ID! name: String } ${types}`,
    resolvers,
  },
});

/** As composition left interfaces before it copied to them what their objects demand. */
const withoutCopies = (sdl: string) =>
  sdl.replace(/interface Node[^{]*{[^}]*}/, (text) =>
    text.replaceAll(/@(authenticated|requiresScopes\([^)]*\))/g, ''),
  );

describe('a field of some objects of an interface', () => {
  const subgraphs = graph(`
    interface Node { id: ID! name: String friend: Friend }
    type Open implements Node { id: ID! name: String friend: Friend open: String }
    type Secret implements Node { id: ID! name: String @authenticated friend: Friend @authenticated secret: String }`);
  const composed = start(subgraphs);
  const uncopied = start(subgraphs, {}, withoutCopies(composeSupergraph(subgraphs)));

  for (const [by, { ask, sent }] of Object.entries({ 'is copied to it': composed, 'is not': uncopied }))
    describe(`where composition says so: ${by}`, () => {
      test('is withheld of all of them where it is asked for on the interface', async () => {
        sent();
        same(await ask('{ nodes { id name } }', ANYBODY), {
          errors: [unauthorized('nodes', 0, 'name'), unauthorized('nodes', 1, 'name')],
          data: {
            nodes: [
              { id: '1', name: null },
              { id: '2', name: null },
            ],
          },
        });
        assert.doesNotMatch(sent().join(), /\bname/);
        same((await ask('{ nodes { id name } }', SIGNED_IN)).data, {
          nodes: [
            { id: '1', name: 'one' },
            { id: '2', name: 'two' },
          ],
        });
      });

      test('is shown of those that may be seen where it is asked for on them', async () => {
        same(await ask('{ nodes { ... on Open { name } ... on Secret { name secret } } }', ANYBODY), {
          errors: [unauthorized('nodes', 1, 'name')],
          data: { nodes: [{ name: 'one' }, { name: null, secret: 's' }] },
        });
      });

      test('is shown where it is asked for both ways, without what only the refused way asks for', async () => {
        const query = '{ nodes { name friend { id } ... on Open { name friend { n: name } } } }';
        same(await ask(query, ANYBODY), {
          errors: [
            unauthorized('nodes', 0, 'friend', 'id'),
            unauthorized('nodes', 1, 'name'),
            unauthorized('nodes', 1, 'friend'),
          ],
          // An id must not be null.
          data: {
            nodes: [
              { name: 'one', friend: null },
              { name: null, friend: null },
            ],
          },
        });
      });
    });
});

describe('a type that demands something', () => {
  const subgraphs = graph(`
    interface Node { id: ID! name: String friend: Friend }
    type Open implements Node { id: ID! name: String friend: Friend open: String }
    type Secret implements Node @requiresScopes(scopes: [["s"]])
      { id: ID! name: String friend: Friend secret: String secret2: String! }`);
  const copied = start(subgraphs);
  const { ask, sent } = start(subgraphs, {}, withoutCopies(composeSupergraph(subgraphs)));

  test('hands that on to interfaces by composition', async () => {
    same(await copied.ask('{ node { ... on Open { open } } }', SIGNED_IN), {
      errors: [unauthorized('node')],
      data: { node: null },
    });
  });

  test('takes fields of an interface along that it implements', async () => {
    same((await ask('{ nodes { __typename name } }', ANYBODY)).data, {
      nodes: [
        { __typename: 'Open', name: null },
        { __typename: 'Secret', name: null },
      ],
    });
  });

  for (const [what, field, spread] of [
    ['an interface', 'nodes', '... on Secret { secret __typename }'],
    ['a union', 'any', '... on Secret { secret __typename }'],
    ['a union, by a named fragment', 'any', '...S'],
    ['a union, by a fragment in a fragment', 'any', '... on Any { ...S }'],
  ] as const)
    test(`takes the fragments on it out of ${what}`, async () => {
      const fragment = spread.includes('...S') ? ' fragment S on Secret { secret __typename }' : '';
      const query = `{ ${field} { ... on Open { open } ${spread} } }${fragment}`;
      sent();
      same(await ask(query, ANYBODY), {
        errors: [unauthorized(field, 1, 'secret')],
        data: { [field]: [{ open: 'o' }, { secret: null, __typename: 'Secret' }] },
      });
      assert.doesNotMatch(sent().join(), /secret|on Secret/);
      same((await ask(query, scoped('s'))).data, {
        [field]: [{ open: 'o' }, { secret: 's', __typename: 'Secret' }],
      });
    });

  test('takes objects away where it must not be null', async () => {
    same((await ask('{ any { ... on Secret { secret2 } } }', ANYBODY)).data, null);
  });

  test('refuses what is inside of its fragments, not the same fragment elsewhere', async () => {
    const query = `{ any { ... on Secret { friend { ...F } } ... on Open { friend { ...F } } } }
      fragment F on Friend { name }`;
    same(await ask(query, ANYBODY), {
      errors: [unauthorized('any', 1, 'friend')],
      data: { any: [{ friend: { name: 'Ada' } }, { friend: null }] },
    });
  });
});

test('an interface that demands something is refused as a whole, fragments in its fragments too', async () => {
  const subgraphs = graph(`
    interface Node { id: ID! }
    interface Named { name: String }
    type Open implements Node & Named { id: ID! name: String open: String }
    type Secret implements Node & Named { id: ID! name: String }`);
  // Subgraphs may not say so any more; supergraphs of earlier compositions do.
  const sdl = composeSupergraph(
    graph(`
    interface Node { id: ID! }
    interface Named { name: String }
    type Open implements Node & Named { id: ID! name: String open: String }
    type Secret implements Node & Named { id: ID! name: String @authenticated }`),
  )
    .replace(/interface Named[^{]*{/, (text) => text.replace('{', '@authenticated {'))
    .replaceAll(/name: String.*@authenticated/g, 'name: String');
  const { ask } = start(subgraphs, {}, sdl);
  same(await ask('{ nodes { id ... on Named { ... on Open { open } } ... on Open { name } } }', ANYBODY), {
    errors: [unauthorized('nodes', 0, 'open')],
    data: { nodes: [{ id: '1', open: null, name: 'one' }, { id: '2' }] },
  });
});

test('a field that an interface object adds is guarded in all objects of the interface', async () => {
  const { ask, sent } = start({
    a: {
      typeDefs: `type Query { nodes: [Node] } interface Node @key(fields: "id") { id: ID! }
        type One implements Node @key(fields: "id") { id: ID! one: String }
        type Two implements Node @key(fields: "id") { id: ID! }`,
      resolvers: {
        Query: { nodes: () => [{ __typename: 'One', id: '1', one: '1' }] },
        Node: { __resolveReference: () => ({ __typename: 'One', id: '1' }) },
      },
    },
    b: {
      typeDefs: `type Query { unknown: [Node] }
        type Node @key(fields: "id") @interfaceObject { id: ID! rating: Int @authenticated size: Int }`,
      resolvers: { Query: { unknown: () => [{ id: '1' }] }, Node: { rating: () => 5, size: () => 3 } },
    },
  });
  same(await ask('{ unknown { size ... on One { rating } ... on Two { r: rating } } }', ANYBODY), {
    errors: [unauthorized('unknown', 0, 'rating')],
    data: { unknown: [{ size: 3, rating: null }] },
  });
  for (const query of ['{ nodes { rating } }', '{ nodes { ... on One { rating } } }']) {
    same((await ask(query, SIGNED_IN)).data, { nodes: [{ rating: 5 }] });
    sent();
    same((await ask(query, ANYBODY)).data, { nodes: [{ rating: null }] });
    assert.doesNotMatch(sent().join(), /rating/);
  }
});

test('what a field requires of another subgraph is fetched for it, though the client must not see it', async () => {
  const subgraphs = (mark: string) => ({
    a: {
      typeDefs: `type Query { thing: Thing } type Thing @key(fields: "id") { id: ID! weight: Int ${mark} }`,
      resolvers: { Query: { thing: () => ({ id: '1', weight: 3 }) } },
    },
    b: {
      typeDefs: `type Thing @key(fields: "id") { id: ID! weight: Int @external cost: Int @requires(fields: "weight") }`,
      resolvers: { Thing: { cost: ({ weight }: { weight: number }) => weight * 2 } },
    },
  });
  // Composition refuses it nowadays, unless the field demands the same.
  assert.throws(() => composeSupergraph(subgraphs('@authenticated')), /cost/);
  const linked = composeSupergraph({
    ...subgraphs(''),
    c: { typeDefs: 'type Query { x: String @authenticated }' },
  });
  const sdl = linked.replace(/weight: Int.*/, '$& @authenticated');
  const { ask } = start({ ...subgraphs(''), c: { typeDefs: 'type Query { x: String }' } }, {}, sdl);
  same(await ask('{ thing { cost weight } }', ANYBODY), {
    errors: [unauthorized('thing', 'weight')],
    data: { thing: { cost: 6, weight: null } },
  });
});
