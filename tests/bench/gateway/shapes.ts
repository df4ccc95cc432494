import { VIEWERS } from './graph.ts';

/** One operation and who asks for it. */
export interface Shape {
  readonly name: string;
  readonly title: string;
  readonly query: string;
  readonly variables?: Readonly<Record<string, unknown>>;
  /** Every request carries an Authorization header of its own: nothing may be shared between requests. */
  readonly unique: boolean;
}

const JOIN = {
  query: `query Join($first: Int!) {
    me { id name reviews { body product { upc name price } } }
    topProducts(first: $first) { upc name reviews { rating body author { name } } }
  }`,
  variables: { first: 5 },
};

export const SHAPES: readonly Shape[] = [
  {
    name: 'one',
    title: 'one: one fetch, small',
    query: '{ users { id name email username } }',
    unique: false,
  },
  { name: 'join', title: 'join: six fetches in three steps', ...JOIN, unique: false },
  {
    name: 'joinUnique',
    title: 'joinUnique: the same, a caller of its own per request',
    ...JOIN,
    unique: true,
  },
  {
    name: 'heavy',
    title: 'heavy: users → reviews → products, four subgraphs',
    query: `{ users(first: 45) { id name email username reviews(first: 8) { id rating body
      product { upc name price weight inStock warehouse shippingEstimate } } } }`,
    unique: false,
  },
];

/** Rows of one fetch, to see how cost grows with the size of an answer. */
export function rowsShape(rows: number): Shape {
  const query = 'query Rows($first: Int!) { users(first: $first) { id name email username } }';
  return { name: `rows${rows}`, title: `${rows} rows`, query, variables: { first: rows }, unique: false };
}

/** Entities joined over three subgraphs, to see how cost grows with their number. */
export function entitiesShape(entities: number): Shape {
  const query = `query Entities($first: Int!) {
    topProducts(first: $first) { upc name inStock reviews(first: 1) { rating body } } }`;
  return {
    name: `entities${entities}`,
    title: `${entities} entities`,
    query,
    variables: { first: entities },
    unique: false,
  };
}

/** How many different answers a shape has; request `n` gets answer `n % variantsOf(shape)`. */
export function variantsOf(shape: Shape): number {
  return shape.unique ? VIEWERS : 1;
}
