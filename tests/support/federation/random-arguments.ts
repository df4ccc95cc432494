import {
  getNamedType,
  isNonNullType,
  type GraphQLArgument,
  type GraphQLField,
  type GraphQLSchema,
} from 'graphql';
import { among, below, chance, type Random } from './random-choice.ts';

interface Variable {
  /** As in a declaration, default included. */
  readonly type: string;
  /** Undefined: the client leaves it out. */
  readonly value: unknown;
}

const DECLARED: Readonly<Record<string, Variable>> = {
  yes: { type: 'Boolean! = true', value: true },
  no: { type: 'Boolean!', value: false },
  n: { type: 'Int', value: 2 },
  none: { type: 'Int', value: undefined },
  two: { type: 'Int = 2', value: undefined },
  null: { type: 'Int', value: null },
  text: { type: 'String!', value: 'x' },
  mode: { type: 'Mode', value: 'C' },
  modes: { type: 'Mode! = A', value: undefined },
  filter: { type: 'Filter', value: { size: 5, inner: { mode: 'B' } } },
  empty: { type: 'Filter! = {}', value: undefined },
  list: { type: '[Int!]', value: [4, 5] },
  item: { type: 'Int!', value: 6 },
};

/** What the client gives, by name. */
export const VARIABLES: Readonly<Record<string, unknown>> = Object.fromEntries(
  Object.entries(DECLARED).flatMap(([name, { value }]) => (value === undefined ? [] : [[name, value]])),
);

/** Declares what a text uses, as far as the schema has the types. */
export function declarationsOf(schema: GraphQLSchema, text: string): string {
  const used = new Set([...text.matchAll(/\$(\w+)/g)].map(([, name]) => name));
  const declared = Object.entries(DECLARED).filter(
    ([name, { type }]) => used.has(name) && schema.getType(/\w+/.exec(type)?.[0] ?? ''),
  );
  return declared.length > 0 ? `(${declared.map(([name, { type }]) => `$${name}: ${type}`).join(', ')})` : '';
}

const IDS = ['"u1"', '"u2"', '"u3"', '"b1"', '"l2"', '"gone"'];

/** By the name of an argument's type. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  Int: ['0', '1', '3', '$n', '$none', '$two', '$null'],
  Mode: ['A', 'B', '$mode', '$modes', 'null'],
  Filter: [
    '{}',
    '$filter',
    '$empty',
    '{ size: $n }',
    '{ size: 4, inner: { mode: $mode, inner: { size: $none } } }',
  ],
  '[Int!]': ['[]', '[1, 2]', '3', '$list', '[1, $item]', 'null'],
};

/** Text of some of the arguments that a field takes. */
export function argumentsOf(random: Random, { args }: GraphQLField<unknown, unknown>): string {
  const given = args.flatMap((argument) => {
    const value = valueFor(random, argument);
    return value === null ? [] : [`${argument.name}: ${value}`];
  });
  return given.length > 0 ? `(${given.join(', ')})` : '';
}

function valueFor(random: Random, { name, type }: GraphQLArgument): string | null {
  if (name === 'id') return among(random, IDS);
  if (!isNonNullType(type) && chance(random, 0.5)) return null;
  // Null would not be sliced by.
  if (name === 'first') return chance(random, 0.5) ? String(below(random, 4)) : '$two';
  const values = VALUES[String(type)] ?? VALUES[getNamedType(type).name];
  return values ? among(random, values) : '"x"';
}
