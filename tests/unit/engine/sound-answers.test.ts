import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestGateway, type TestSubgraphs } from '../../support/federation/supergraph.ts';

const KEY = '@key(fields: "id")';

test('an ID is found by a literal that is a number in quotes, and by one that is a number', async () => {
  const gateway = createTestGateway({
    things: {
      typeDefs: `type Query { thing(id: ID!, tags: [ID!]): String same(ratio: Float, count: Int): String }`,
      resolvers: {
        Query: {
          thing: (_: unknown, given: object) => JSON.stringify(given),
          same: (_: unknown, given: object) => JSON.stringify(given),
        },
      },
    },
  });
  const query = `{ text: thing(id: "1") number: thing(id: 1) negative: thing(id: "-7") zeros: thing(id: "007")
    large: thing(id: "12345678901234567890") list: thing(id: "a", tags: ["1", 2, "x"]) same(ratio: 1, count: 2) }`;
  assert.deepEqual(await gateway.query(query), {
    data: {
      text: '{"id":"1"}',
      number: '{"id":"1"}',
      negative: '{"id":"-7"}',
      zeros: '{"id":"007"}',
      large: '{"id":"12345678901234567890"}',
      list: '{"id":"a","tags":["1","2","x"]}',
      same: '{"ratio":1,"count":2}',
    },
  });
});

/** Two subgraphs share fields whose union has members that the other one does not know. */
const UNIONS: TestSubgraphs = {
  first: {
    typeDefs: `union Media = Book | Song
      type Query { viewer: Viewer @shareable }
      type Viewer { media: Media @shareable own: Media }
      type Book ${KEY} { id: ID! title: String @shareable pages: Int }
      type Song ${KEY} { id: ID! title: String @shareable }`,
    resolvers: {
      Query: { viewer: () => ({ media: BOOK, own: SONG }) },
      Book: { __resolveReference: () => BOOK },
      Song: { __resolveReference: () => SONG },
    },
  },
  second: {
    typeDefs: `union Media = Book | Movie
      type Query { viewer: Viewer @shareable }
      type Viewer { media: Media @shareable other: Media }
      type Book ${KEY} { id: ID! title: String @shareable shelf: String }
      type Movie ${KEY} { id: ID! title: String @shareable }`,
    resolvers: {
      Query: { viewer: () => ({ media: BOOK, other: MOVIE }) },
      Book: { __resolveReference: () => BOOK },
      Movie: { __resolveReference: () => MOVIE },
    },
  },
};
const BOOK = { __typename: 'Book', id: 'b1', title: 'Scales', pages: 9, shelf: 'A' };
const SONG = { __typename: 'Song', id: 's1', title: 'Aria' };
const MOVIE = { __typename: 'Movie', id: 'm1', title: 'Solo' };

test('a shared field is asked for what all that resolve it may answer with', async () => {
  const of = '{ __typename ... on Book { title pages shelf } ... on Song { title } ... on Movie { title } }';
  const gateway = createTestGateway(UNIONS);
  assert.deepEqual(await gateway.query(`{ viewer { media ${of} own ${of} other ${of} } }`), {
    data: {
      viewer: {
        media: { __typename: 'Book', title: 'Scales', pages: 9, shelf: 'A' },
        own: { __typename: 'Song', title: 'Aria' },
        other: { __typename: 'Movie', title: 'Solo' },
      },
    },
  });
});

test('a subgraph is come back to by a key that it resolves, whichever of its keys stands first', async () => {
  const gateway = createTestGateway({
    makers: {
      typeDefs: `type Maker ${KEY} @key(fields: "code", resolvable: false) { id: ID! code: ID! name: String }`,
      resolvers: { Maker: { __resolveReference: ({ id }: { id: string }) => ({ id, name: `maker ${id}` }) } },
    },
    labels: {
      typeDefs: `type Query { maker: Maker }
        type Maker @key(fields: "code", resolvable: false) @key(fields: "id code") @key(fields: "id", resolvable: false) {
          id: ID! code: ID! name: String @external label: String @requires(fields: "name") }`,
      resolvers: {
        Query: { maker: () => ({ id: 'm1', code: 'c1' }) },
        Maker: {
          label: ({ id, code, name }: Record<string, string>) => `${id} ${code} ${name}`,
        },
      },
    },
  });
  assert.deepEqual(await gateway.query('{ maker { label } }'), {
    data: { maker: { label: 'm1 c1 maker m1' } },
  });
});
