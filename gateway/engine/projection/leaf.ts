import { isEnumType, isSpecifiedScalarType, type GraphQLLeafType } from 'graphql';

/** The value as the client gets it, or undefined where it is not one of the type. */
export type ReadLeaf = (value: unknown) => unknown;

/** Values were completed by the subgraph already; this refuses what does not fit, so that a client never gets a wrong type. */
export function compileLeaf(type: GraphQLLeafType): ReadLeaf {
  if (isEnumType(type)) {
    // Values that are hidden from clients are not in the API schema.
    const names = new Set<unknown>(type.getValues().map(({ name }) => name));
    return (value) => (names.has(value) ? value : undefined);
  }
  return (isSpecifiedScalarType(type) && SCALARS[type.name]) || ((value) => value);
}

const SCALARS: Readonly<Record<string, ReadLeaf>> = {
  String: (value) => (typeof value === 'string' ? value : undefined),
  ID: (value) => (typeof value === 'string' ? value : Number.isInteger(value) ? String(value) : undefined),
  Int: (value) => (Number.isInteger(value) ? value : undefined),
  Float: (value) => (typeof value === 'number' ? value : undefined),
  Boolean: (value) => (typeof value === 'boolean' ? value : undefined),
};
