import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isLeafType,
  isObjectType,
  validate,
  parse,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
} from 'graphql';

export type Random = () => number;

/** Every operation declares these; conditions use them. */
export const VARIABLES = { yes: true, no: false };
const DECLARED = '($yes: Boolean! = true, $no: Boolean!)';

/** A declared variable must be used. */
const USE = 'used: __typename @include(if: $yes) @skip(if: $no)';

const ALIASES = ['id', 'name', 'weight', 'price', 'a', 'c__id', 'kind', 'reviews', 'constructor'];
const IDS = ['"u1"', '"u2"', '"u3"', '"b1"', '"l2"', '"gone"'];
const CONDITIONS = ['@include(if: $yes)', '@include(if: $no)', '@skip(if: $yes)', '@skip(if: $no)'];

export interface OperationOptions {
  readonly maxDepth: number;
  /** Coordinates such as `Box.label` that are never selected. */
  readonly without: ReadonlySet<string>;
  /** Mutations instead of queries. */
  readonly isMutation?: boolean;
}

/** A random query or mutation that is valid for the schema. */
export function randomOperation(schema: GraphQLSchema, random: Random, options: OperationOptions): string {
  for (;;) {
    const kind = options.isMutation ? 'mutation' : 'query';
    const root = options.isMutation ? schema.getMutationType() : schema.getQueryType();
    if (!root) throw new Error(`the schema has no ${kind} type`);
    const query = `${kind}${DECLARED} { ${USE} ... ${selection(schema, random, options, root, 0)} }`;
    // Aliases and fragments may collide.
    const errors = validate(schema, parse(query));
    if (errors.length === 0) return query;
  }
}

const pick = <T>(random: Random, list: readonly T[]): T => {
  const item = list[Math.floor(random() * list.length)];
  if (item === undefined) throw new Error('nothing to pick from');
  return item;
};

function selection(
  schema: GraphQLSchema,
  random: Random,
  options: OperationOptions,
  type: GraphQLCompositeType,
  depth: number,
): string {
  const parts: string[] = [];
  const count = 1 + Math.floor(random() * 3);
  for (let i = 0; i < count; i++) {
    const isFragment = depth > 0 && random() < (isObjectType(type) ? 0.15 : 0.5);
    const part = isFragment
      ? fragment(schema, random, options, type, depth)
      : field(schema, random, options, type, depth);
    if (part) parts.push(part);
  }
  return `{ ${parts.length > 0 ? parts.join(' ') : '__typename'} }`;
}

function fragment(
  schema: GraphQLSchema,
  random: Random,
  options: OperationOptions,
  type: GraphQLCompositeType,
  depth: number,
): string {
  const possible = isAbstractType(type) ? schema.getPossibleTypes(type) : [type];
  const on: GraphQLCompositeType = random() < 0.8 ? pick(random, possible) : type;
  return `... on ${on.name} ${condition(random)} ${deferral(random)} ${selection(schema, random, options, on, depth)}`;
}

const condition = (random: Random) => (random() < 0.12 ? pick(random, CONDITIONS) : '');

const DEFERS = ['@defer', '@defer(if: $yes)', '@defer(if: $no)'];
const deferral = (random: Random) => (random() < 0.15 ? pick(random, DEFERS) : '');

function field(
  schema: GraphQLSchema,
  random: Random,
  options: OperationOptions,
  type: GraphQLCompositeType,
  depth: number,
): string {
  if (!('getFields' in type) || random() < 0.08) return random() < 0.5 ? '__typename' : 't: __typename';
  const fields = Object.values(type.getFields()).filter(
    ({ name, type: of }) =>
      !options.without.has(`${type.name}.${name}`) &&
      (isLeafType(getNamedType(of)) || depth < options.maxDepth),
  );
  if (fields.length === 0) return '';
  const chosen = pick(random, fields);
  const named = getNamedType(chosen.type);
  const alias = random() < 0.2 ? `${pick(random, ALIASES)}: ` : '';
  const below = isCompositeType(named) ? selection(schema, random, options, named, depth + 1) : '';
  return `${alias}${chosen.name}${argumentsOf(random, chosen)} ${condition(random)} ${below}`;
}

function argumentsOf(random: Random, { args }: GraphQLField<unknown, unknown>): string {
  const given = args.flatMap(({ name }) => {
    if (name === 'first') return random() < 0.5 ? [`first: ${Math.floor(random() * 4)}`] : [];
    if (name === 'id') return [`id: ${pick(random, IDS)}`];
    return [`${name}: "x"`];
  });
  return given.length > 0 ? `(${given.join(', ')})` : '';
}
