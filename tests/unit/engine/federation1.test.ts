import assert from 'node:assert/strict';
import { test } from 'node:test';
import { createTestGateway, type TestSubgraphs } from '../../support/federation/supergraph.ts';

type Given = Record<string, unknown>;

/** As Federation 1 wrote it: extensions, external keys, no @link. */
const SUBGRAPHS: TestSubgraphs = {
  users: {
    isFederation1: true,
    typeDefs: `extend type Query { me: User users: [User] node(id: ID!): Node }
      extend type Mutation { rename(id: ID!, name: String): User }
      interface Node { id: ID! }
      type User implements Node @key(fields: "id") @key(fields: "name tenant { id }") { id: ID! name: String tenant: Tenant role: Role }
      type Tenant { id: ID! label: String }
      enum Role { ADMIN GUEST }`,
    resolvers: {
      Query: {
        me: () => user('u1'),
        users: () => [user('u1'), null, user('u2')],
        node: (_: unknown, { id }: Given) => user(id),
      },
      Mutation: { rename: (_: unknown, { id, name }: Given) => ({ ...user(id), name }) },
      Node: { __resolveType: () => 'User' },
      User: { __resolveReference: ({ id }: Given) => user(id) },
    },
  },
  products: {
    isFederation1: true,
    typeDefs: `extend type Query { products(first: Int = 2): [Product!]! found: [Found] }
      type Product @key(fields: "upc") { upc: ID! name: String weight(unit: String = "KG"): Int maker: User @provides(fields: "name") }
      union Found = Product | User
      extend type User @key(fields: "id") { id: ID! @external name: String @external favourites: [Product] }`,
    resolvers: {
      Query: {
        products: (_: unknown, { first }: { first: number }) =>
          [product('p1'), product('p2')].slice(0, first),
        found: () => [product('p1'), { __typename: 'User', id: 'u2' }],
      },
      Product: {
        __resolveReference: ({ upc }: Given) => product(upc),
        weight: (_: unknown, { unit }: Given) => (unit === 'LB' ? 4 : 2),
        maker: () => ({ __typename: 'User', id: 'u1', name: 'Ada' }),
      },
      User: { favourites: ({ id }: Given) => (id === 'u1' ? [product('p2')] : []) },
    },
  },
  shipping: {
    isFederation1: true,
    typeDefs: `extend type Product @key(fields: "upc") { upc: ID! @external weight(unit: String = "KG"): Int @external
        freight: String @requires(fields: "weight") import: String @requires(fields: "weight(unit: \\"LB\\")") }
      extend type User @key(fields: "name tenant { id }") { name: String @external tenant: Tenant @external carrier: String }
      extend type Tenant { id: ID! @external }`,
    resolvers: {
      Product: {
        freight: ({ weight }: Given) => `${weight} kg`,
        import: ({ weight }: Given) => `${weight} lb`,
      },
      User: { carrier: ({ name, tenant }: Given) => `${name} ${JSON.stringify(tenant)}` },
    },
  },
};

function user(id: unknown) {
  return {
    __typename: 'User',
    id,
    name: id === 'u1' ? 'Ada' : 'Bob',
    tenant: { id: 't1', label: 'T' },
    role: 'ADMIN',
  };
}
function product(upc: unknown) {
  return { __typename: 'Product', upc, name: `product ${upc}` };
}

/** What Federation 1's own composition wrote of these: `@core`, and a join specification that knows owners and no `@external`. */
const SDL = `
  schema @core(feature: "https://specs.apollo.dev/core/v0.1") @core(feature: "https://specs.apollo.dev/join/v0.1") {
    query: Query
    mutation: Mutation
  }
  directive @core(feature: String!) repeatable on SCHEMA
  directive @join__field(graph: join__Graph, provides: join__FieldSet, requires: join__FieldSet) on FIELD_DEFINITION
  directive @join__graph(name: String!, url: String!) on ENUM_VALUE
  directive @join__owner(graph: join__Graph!) on INTERFACE | OBJECT
  directive @join__type(graph: join__Graph!, key: join__FieldSet) repeatable on INTERFACE | OBJECT
  union Found = Product | User
  scalar join__FieldSet
  enum join__Graph {
    PRODUCTS @join__graph(name: "products", url: "http://products.invalid/graphql")
    SHIPPING @join__graph(name: "shipping", url: "http://shipping.invalid/graphql")
    USERS @join__graph(name: "users", url: "http://users.invalid/graphql")
  }
  type Mutation { rename(id: ID!, name: String): User @join__field(graph: USERS) }
  interface Node { id: ID! }
  type Product @join__owner(graph: PRODUCTS) @join__type(graph: PRODUCTS, key: "upc") @join__type(graph: SHIPPING, key: "upc") {
    upc: ID! @join__field(graph: PRODUCTS)
    name: String @join__field(graph: PRODUCTS)
    weight(unit: String = "KG"): Int @join__field(graph: PRODUCTS)
    maker: User @join__field(graph: PRODUCTS, provides: "name")
    freight: String @join__field(graph: SHIPPING, requires: "weight")
    import: String @join__field(graph: SHIPPING, requires: "weight(unit: \\"LB\\")")
  }
  type Query {
    me: User @join__field(graph: USERS)
    users: [User] @join__field(graph: USERS)
    node(id: ID!): Node @join__field(graph: USERS)
    products(first: Int = 2): [Product!]! @join__field(graph: PRODUCTS)
    found: [Found] @join__field(graph: PRODUCTS)
  }
  enum Role { ADMIN GUEST }
  type Tenant { id: ID! label: String }
  type User implements Node @join__owner(graph: USERS) @join__type(graph: USERS, key: "id") @join__type(graph: USERS, key: "name tenant { id }")
    @join__type(graph: PRODUCTS, key: "id") @join__type(graph: SHIPPING, key: "name tenant { id }") {
    id: ID! @join__field(graph: USERS)
    name: String @join__field(graph: USERS)
    tenant: Tenant @join__field(graph: USERS)
    role: Role @join__field(graph: USERS)
    favourites: [Product] @join__field(graph: PRODUCTS)
    carrier: String @join__field(graph: SHIPPING)
  }
`;

const carrier = (name: string) => `${name} {"id":"t1"}`;
const cases: readonly [name: string, query: string, expected: unknown][] = [
  [
    'joins by simple and compound keys',
    '{ me { name carrier favourites { upc name } } }',
    { me: { name: 'Ada', carrier: carrier('Ada'), favourites: [{ upc: 'p2', name: 'product p2' }] } },
  ],
  [
    'fields required with different arguments',
    '{ products(first: 1) { freight import weight(unit: "LB") } }',
    { products: [{ freight: '2 kg', import: '4 lb', weight: 4 }] },
  ],
  [
    'provided fields, and others of the same object',
    '{ products(first: 1) { maker { name role tenant { label } } } }',
    { products: [{ maker: { name: 'Ada', role: 'ADMIN', tenant: { label: 'T' } } }] },
  ],
  [
    'unions, interfaces and nulls in lists',
    '{ found { __typename ... on Product { freight } ... on User { name carrier } } node(id: "u2") { id ... on User { favourites { name } } } users { role } }',
    {
      found: [
        { __typename: 'Product', freight: '2 kg' },
        { __typename: 'User', name: 'Bob', carrier: carrier('Bob') },
      ],
      node: { id: 'u2', favourites: [] },
      users: [{ role: 'ADMIN' }, null, { role: 'ADMIN' }],
    },
  ],
  [
    'mutations',
    'mutation { a: rename(id: "u1", name: "Cy") { name carrier } b: rename(id: "u2", name: "Di") { favourites { upc } } }',
    { a: { name: 'Cy', carrier: carrier('Cy') }, b: { favourites: [] } },
  ],
];

const gateways = {
  'composed by Federation 1': createTestGateway(SUBGRAPHS, SDL),
  'of subgraphs written for Federation 1': createTestGateway(SUBGRAPHS),
};

for (const [kind, { query, engine }] of Object.entries(gateways)) {
  for (const [name, text, expected] of cases) {
    test(`a supergraph ${kind} answers ${name}`, async () =>
      assert.deepEqual(await query(text), { data: expected }));
  }

  test(`a supergraph ${kind} shows clients nothing of its joins`, async () => {
    const { data } = await query('{ __schema { types { name } directives { name } } }');
    assert.doesNotMatch(JSON.stringify(data), /join__|core|r1__/);
    assert.equal(engine.apiSchema.getType('join__Graph'), undefined);
  });
}
