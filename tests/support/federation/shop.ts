import { ref, subgraphsOver, type SharedData } from './shared-data.ts';
import type { TestSubgraphs } from './supergraph.ts';

/** A small world that uses every kind of federation there is: four subgraphs over one set of data. */
const SDLS = {
  users: `type Query { me: User users: [User!]! node(id: ID!): Node }
    type Mutation { rename(id: ID!, name: String!): User }
    interface Node { id: ID! }
    type User implements Node @key(fields: "id") { id: ID! name: String! @shareable email: String manager: User friends: [User!]
      address: Address @shareable secret: String @inaccessible }
    type Address @shareable { city: String zip: String }`,
  products: `type Query { products(first: Int = 10): [Product!]! search(text: String!): [Found!]! shelf: [[Product]] }
    type Mutation { touch(id: ID!): Product }
    interface Product @key(fields: "id") { id: ID! name: String! price: Int weight: Int }
    type Book implements Product @key(fields: "id") { id: ID! name: String! price: Int weight: Int pages: Int kind: Kind
      author: User @provides(fields: "name") }
    type Lamp implements Product @key(fields: "id") { id: ID! name: String! price: Int weight: Int watts: Float! size: Size
      maker: User }
    type Size { width: Int height: Int }
    type User @key(fields: "id") { id: ID! name: String! @external favourite: Product }
    enum Kind { PAPER AUDIO HIDDEN @inaccessible }
    union Found = Book | Lamp | User`,
  reviews: `type Query { reviews: [Review!]! }
    type Mutation { review(productId: ID!, body: String!): Review }
    type Review @key(fields: "id") { id: ID! body: String stars: Int! author: User product: Product }
    type Product @key(fields: "id") @interfaceObject { id: ID! reviews(first: Int = 2): [Review!]! rating: Float }
    type User @key(fields: "id") { id: ID! reviews: [Review] address: Address @shareable }
    type Address @shareable { city: String zip: String }`,
  shipping: `type Lamp @key(fields: "id") { id: ID! weight: Int @external size: Size @external price: Int @external
        freight: String @requires(fields: "weight size { width height }") taxed: Int @requires(fields: "price") }
    type Book @key(fields: "id") { id: ID! weight: Int @external freight: String @requires(fields: "weight") }
    type Size { width: Int @external height: Int @external }
    type User @key(fields: "id") { id: ID! email: String @override(from: "users") parcels: [Parcel!] }
    type Parcel @key(fields: "id") @context(name: "parcel") { id: ID! fragile: Boolean! box: Box! boxes: [Box!]! }
    type Box @key(fields: "id") { id: ID! label(fragile: Boolean @fromContext(field: "$parcel { fragile }")): String }`,
};

type Self = Record<string, unknown>;
const address = { city: 'Turin', zip: '10100' };

export const SHOP_DATA: SharedData = {
  entities: {
    User: {
      u1: {
        name: 'Ada',
        email: 'ada@example.org',
        manager: null,
        friends: [ref('User', 'u2'), ref('User', 'u3')],
        address,
        favourite: ref('Book', 'b1'),
        reviews: [ref('Review', 'r1'), null, ref('Review', 'r2')],
        parcels: [ref('Parcel', 'p1'), ref('Parcel', 'p2')],
      },
      u2: {
        name: 'Bob',
        email: null,
        manager: ref('User', 'u1'),
        friends: [],
        address: null,
        favourite: ref('Lamp', 'l1'),
        reviews: [],
        parcels: [],
      },
      u3: {
        name: 'Cy',
        email: new Error('no mail'),
        manager: ref('User', 'u2'),
        friends: null,
        address,
        favourite: null,
        reviews: null,
        parcels: null,
      },
    },
    Book: {
      b1: {
        name: 'Fugues',
        price: 30,
        weight: 2,
        pages: 100,
        kind: 'PAPER',
        author: ref('User', 'u1'),
        freight: freight(2),
        reviews: firstOf(['r1', 'r2', 'r3']),
        rating: 4.5,
      },
      b2: {
        name: 'Canons',
        price: null,
        weight: null,
        pages: null,
        kind: 'AUDIO',
        author: null,
        freight: freight(2),
        reviews: firstOf([]),
        rating: null,
      },
    },
    Lamp: {
      l1: {
        name: 'Glow',
        price: 0,
        weight: 5,
        watts: 7.5,
        size: { width: 3, height: 4 },
        maker: ref('User', 'u2'),
        freight: freight(5),
        taxed: taxed(),
        reviews: firstOf(['r4']),
        rating: 1,
      },
      l2: {
        name: 'Dim',
        price: 12,
        weight: 1,
        watts: new Error('no watts'),
        size: null,
        maker: ref('User', 'gone'),
        freight: freight(1),
        taxed: taxed(),
        reviews: firstOf(['r4', 'r5']),
        rating: 2,
      },
    },
    Review: {
      r1: { body: 'Good', stars: 5, author: ref('User', 'u1'), product: ref('Book', 'b1') },
      r2: { body: null, stars: 4, author: ref('User', 'u2'), product: ref('Lamp', 'l1') },
      r3: { body: 'Bad', stars: 1, author: null, product: ref('Book', 'b2') },
      r4: { body: 'Dark', stars: 2, author: ref('User', 'u3'), product: ref('Lamp', 'l1') },
      r5: { body: 'Lost', stars: null, author: ref('User', 'u1'), product: ref('Lamp', 'l2') },
    },
    Parcel: {
      p1: { fragile: true, box: ref('Box', 'x1'), boxes: [ref('Box', 'x1'), ref('Box', 'x2')] },
      p2: { fragile: false, box: ref('Box', 'x1'), boxes: [] },
    },
    Box: { x1: { label: boxLabel }, x2: { label: boxLabel } },
  },
  roots: {
    me: ref('User', 'u1'),
    users: [ref('User', 'u1'), ref('User', 'u2'), ref('User', 'u3')],
    node: ({ id }: { id: string }) => ref('User', id),
    products: ({ first }: { first: number }) =>
      [ref('Book', 'b1'), ref('Lamp', 'l1'), ref('Book', 'b2')].slice(0, first),
    search: ({ text }: { text: string }) =>
      text === 'none' ? [] : [ref('Lamp', 'l1'), ref('User', 'u2'), ref('Book', 'b1'), ref('Lamp', 'l2')],
    shelf: [[ref('Book', 'b1'), null], null, [], [ref('Lamp', 'l1'), ref('Book', 'b1')]],
    reviews: [ref('Review', 'r1'), ref('Review', 'r2'), ref('Review', 'r3'), ref('Review', 'r4')],
    rename: ({ id }: { id: string }) => ref('User', id),
    touch: ({ id }: { id: string }) => ref(id.startsWith('b') ? 'Book' : 'Lamp', id),
    review: () => ref('Review', 'r1'),
  },
};

function freight(_weight: number) {
  return (_args: unknown, { weight, size }: Self) =>
    `${JSON.stringify(weight)}/${JSON.stringify(size ?? null)}`;
}
function taxed() {
  return (_args: unknown, { price }: Self) => Number(price) * 2;
}
function firstOf(ids: string[]) {
  return ({ first }: { first: number }) => ids.slice(0, first).map((id) => ref('Review', id));
}
function boxLabel({ fragile }: { fragile?: boolean }) {
  return fragile ? 'with care' : 'as it comes';
}

export const shopSubgraphs = (): TestSubgraphs => subgraphsOver(SHOP_DATA, SDLS);

/** The part of it that plain ApolloGateway can serve. */
export function shopWithoutContext(): TestSubgraphs {
  const shipping = SDLS.shipping
    .replace('@context(name: "parcel")', '')
    .replace('(fragile: Boolean @fromContext(field: "$parcel { fragile }"))', '');
  return subgraphsOver(SHOP_DATA, { ...SDLS, shipping });
}
