/** The measured graph: four subgraphs over fixed data. */
import { composeServices } from '@apollo/composition';
import { buildSubgraphSchema } from '@apollo/subgraph';
import { parse, type GraphQLSchema } from 'graphql';

export const SUBGRAPHS = ['users', 'products', 'reviews', 'inventory'] as const;
export type SubgraphName = (typeof SUBGRAPHS)[number];

/** Callers that `me` tells apart, so that an answer handed to the wrong caller is seen. */
export const VIEWERS = 10;

const LINK =
  'extend schema @link(url: "https://specs.apollo.dev/federation/v2.9", import: ["@key", "@external", "@requires"])\n';

const SDL: Readonly<Record<SubgraphName, string>> = {
  users: `${LINK}
    type Query { me: User users(first: Int = 10): [User!]! }
    type User @key(fields: "id") { id: ID! name: String! email: String username: String }`,
  products: `${LINK}
    type Query { topProducts(first: Int = 5): [Product!]! }
    type Product @key(fields: "upc") { upc: ID! name: String! price: Int weight: Int tags: [String!] }`,
  reviews: `${LINK}
    type Review @key(fields: "id") { id: ID! body: String rating: Int author: User! product: Product! }
    type User @key(fields: "id") { id: ID! reviews(first: Int = 3): [Review!]! }
    type Product @key(fields: "upc") { upc: ID! reviews(first: Int = 3): [Review!]! }`,
  inventory: `${LINK}
    type Product @key(fields: "upc") { upc: ID! price: Int @external weight: Int @external inStock: Boolean!
      warehouse: String shippingEstimate: Int @requires(fields: "price weight") }`,
};

const ENTITIES = 1_000;
const REVIEWS_EACH = 10;
/** Prime to the number of entities: the reviews of one user are about different products. */
const PRODUCT_STEP = 7;

const users = Array.from({ length: ENTITIES }, (_, index) => ({
  id: `u${index}`,
  name: `User ${index}`,
  email: index % 5 === 3 ? null : `u${index}@example.com`,
  username: `user_${index}`,
}));

const products = Array.from({ length: ENTITIES }, (_, index) => ({
  upc: `p${index}`,
  name: `Product number ${index}`,
  price: 10 * index + 5,
  weight: 100 + index,
  tags: ['a', 'b'],
}));

const reviews = Array.from({ length: ENTITIES * REVIEWS_EACH }, (_, index) => ({
  id: `r${index}`,
  body: `This is the review body "${index}" with some text, é ok`,
  rating: index % 5,
  author: { id: `u${index % ENTITIES}` },
  product: { upc: `p${(index * PRODUCT_STEP + Math.floor(index / ENTITIES) * 3) % ENTITIES}` },
}));

type User = (typeof users)[number];
type Product = (typeof products)[number];
interface First {
  first: number;
}

const userById = new Map(users.map((user) => [user.id, user]));
const productByUpc = new Map(products.map((product) => [product.upc, product]));
const reviewsByUser = Map.groupBy(reviews, (review) => review.author.id);
const reviewsByProduct = Map.groupBy(reviews, (review) => review.product.upc);

const resolvers = {
  users: {
    Query: {
      me: (_: unknown, _args: unknown, { viewer }: { viewer: number }) => users[viewer],
      users: (_: unknown, { first }: First) => users.slice(0, first),
    },
    User: { __resolveReference: ({ id }: User) => userById.get(id) },
  },
  products: {
    Query: { topProducts: (_: unknown, { first }: First) => products.slice(0, first) },
    Product: { __resolveReference: ({ upc }: Product) => productByUpc.get(upc) },
  },
  reviews: {
    User: { reviews: ({ id }: User, { first }: First) => reviewsByUser.get(id)?.slice(0, first) ?? [] },
    Product: {
      reviews: ({ upc }: Product, { first }: First) => reviewsByProduct.get(upc)?.slice(0, first) ?? [],
    },
  },
  inventory: {
    Product: {
      inStock: ({ upc }: Product) => Number(upc.slice(1)) % 3 !== 0,
      warehouse: ({ upc }: Product) => `Warehouse ${Number(upc.slice(1)) % 4}`,
      shippingEstimate: ({ price, weight }: Product) => Math.ceil((price * weight) / 1_000),
    },
  },
};

/** One subgraph, executable. `me` needs `{ viewer }` as the context, below `VIEWERS`. */
export function subgraphSchema(name: SubgraphName): GraphQLSchema {
  return buildSubgraphSchema([{ typeDefs: parse(SDL[name]), resolvers: resolvers[name] }]);
}

/** The supergraph of the four subgraphs at these addresses, as SDL. */
export function supergraphAt(ports: Readonly<Record<SubgraphName, number>>): string {
  const result = composeServices(
    SUBGRAPHS.map((name) => ({
      name,
      url: `http://127.0.0.1:${ports[name]}/graphql`,
      typeDefs: parse(SDL[name]),
    })),
  );
  if (result.supergraphSdl === undefined)
    throw new Error(`The measured graph does not compose: ${result.errors?.join('\n')}`);
  return result.supergraphSdl;
}
