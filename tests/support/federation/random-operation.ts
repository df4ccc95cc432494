import {
  getNamedType,
  isAbstractType,
  isCompositeType,
  isLeafType,
  isObjectType,
  parse,
  validate,
  type GraphQLCompositeType,
  type GraphQLField,
  type GraphQLSchema,
} from 'graphql';
import { argumentsOf, declarationsOf } from './random-arguments.ts';
import { among, below, chance, type Random } from './random-choice.ts';

export type { Random } from './random-choice.ts';

const ALIASES = [
  ...['id', 'name', 'weight', 'price', 'a', 'c__id', 'kind', 'reviews', 'constructor', 'r1__f0', 'f0', 'f1'],
  ...['__proto__', '__typename', 'toString', 'pair'],
];
const CONDITIONS = ['@include(if: $yes)', '@include(if: $no)', '@skip(if: $yes)', '@skip(if: $no)'];
const DEFERS = ['@defer', '@defer(if: $yes)', '@defer(if: $no)'];
const INTROSPECTION = [
  '__schema { queryType { name } }',
  't: __type(name: "Query") { name kind fields { name } }',
  '__type(name: "Nothing") { name }',
];

export interface OperationOptions {
  readonly maxDepth: number;
  /** Coordinates such as `Box.label` that are never selected. */
  readonly without: ReadonlySet<string>;
  /** Mutations instead of queries. */
  readonly isMutation?: boolean;
}

/** What one operation is made with. */
interface Writing {
  readonly schema: GraphQLSchema;
  readonly random: Random;
  readonly options: OperationOptions;
  /** Definitions of named fragments, by type. */
  readonly fragments: Map<string, string[]>;
}

/** A random query or mutation that is valid for the schema. It declares what it uses of VARIABLES. */
export function randomOperation(schema: GraphQLSchema, random: Random, options: OperationOptions): string {
  const kind = options.isMutation ? 'mutation' : 'query';
  const root = options.isMutation ? schema.getMutationType() : schema.getQueryType();
  if (!root) throw new Error(`the schema has no ${kind} type`);
  for (;;) {
    const writing = { schema, random, options, fragments: new Map<string, string[]>() };
    const selected = selection(writing, root, 0);
    const introspected = !options.isMutation && chance(random, 0.1) ? among(random, INTROSPECTION) : '';
    const body = [`{ ${introspected} ... ${selected} }`, ...[...writing.fragments.values()].flat()].join(' ');
    const query = `${kind}${declarationsOf(schema, body)} ${body}`;
    // Aliases and fragments may collide.
    if (validate(schema, parse(query)).length === 0) return query;
  }
}

function selection(writing: Writing, type: GraphQLCompositeType, depth: number): string {
  const { random } = writing;
  const parts: string[] = [];
  const count = 1 + below(random, 3);
  for (let i = 0; i < count; i++) {
    const isFragment = depth > 0 && chance(random, isObjectType(type) ? 0.15 : 0.5);
    const part = isFragment ? fragment(writing, type, depth) : field(writing, type, depth);
    if (part) parts.push(part);
  }
  return `{ ${parts.length > 0 ? parts.join(' ') : '__typename'} }`;
}

function fragment(writing: Writing, type: GraphQLCompositeType, depth: number): string {
  const { random } = writing;
  const on = among(random, typesFor(writing.schema, type, chance(random, 0.2)));
  const directives = `${condition(random)} ${deferral(random)}`;
  if (!chance(random, 0.3)) return `... on ${on.name} ${directives} ${selection(writing, on, depth)}`;
  const known = writing.fragments.get(on.name) ?? [];
  if (known.length > 0 && chance(random, 0.5))
    return `...${on.name}_${below(random, known.length)} ${directives}`;
  // Its own fragments come first, so that none spreads itself.
  const selected = selection(writing, on, depth);
  const named = writing.fragments.get(on.name) ?? [];
  const name = `${on.name}_${named.length}`;
  writing.fragments.set(on.name, [...named, `fragment ${name} on ${on.name} ${selected}`]);
  return `...${name} ${directives}`;
}

/** Types whose fragments may apply to objects of `type`; wide ones are abstract. */
function typesFor(
  schema: GraphQLSchema,
  type: GraphQLCompositeType,
  isWide: boolean,
): GraphQLCompositeType[] {
  if (isAbstractType(type)) return isWide ? [type] : [...schema.getPossibleTypes(type)];
  return isWide && isObjectType(type) ? [type, ...type.getInterfaces()] : [type];
}

const condition = (random: Random) => (chance(random, 0.12) ? among(random, CONDITIONS) : '');
const deferral = (random: Random) => (chance(random, 0.15) ? among(random, DEFERS) : '');

function field(writing: Writing, type: GraphQLCompositeType, depth: number): string {
  const { random, options } = writing;
  if (!('getFields' in type) || chance(random, 0.08))
    return chance(random, 0.5) ? '__typename' : 't: __typename';
  const fields = Object.values(type.getFields()).filter((one) =>
    mayBeSelected(type.name, one, depth, options),
  );
  if (fields.length === 0) return '';
  const chosen = among(random, fields);
  const named = getNamedType(chosen.type);
  const alias = chance(random, 0.2) ? `${among(random, ALIASES)}: ` : '';
  const inner = isCompositeType(named) ? selection(writing, named, depth + 1) : '';
  return `${alias}${chosen.name}${argumentsOf(random, chosen)} ${condition(random)} ${inner}`;
}

function mayBeSelected(
  type: string,
  { name, type: of }: GraphQLField<unknown, unknown>,
  depth: number,
  { without, maxDepth }: OperationOptions,
): boolean {
  return !without.has(`${type}.${name}`) && (isLeafType(getNamedType(of)) || depth < maxDepth);
}
