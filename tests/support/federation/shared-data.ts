import {
  execute,
  Kind,
  parse,
  validate,
  type FormattedExecutionResult,
  type GraphQLFieldResolver,
  type GraphQLSchema,
} from 'graphql';
import { hiddenFields, inlined } from './guards.ts';
import type { TestSubgraphs } from './supergraph.ts';

type Data = Record<string, unknown>;
type Source = Data | undefined;

/** Stands for an entity of the data: `ref('User', '1')`. */
export class Ref {
  readonly type: string;
  readonly id: string;
  constructor(type: string, id: string) {
    this.type = type;
    this.id = id;
  }
}
export const ref = (type: string, id: string) => new Ref(type, id);

/** Finds the nearest object of a type above an object, in the schema that answers. */
export type Ancestor = (type: string) => Data | undefined;

/**
 * One set of data that several subgraphs and one merged schema answer from. Values may be refs, errors (thrown), or functions of the arguments,
 * of the object as the answering schema sees it, and of what is above it.
 */
export interface SharedData {
  /** Type → id → object, without `__typename` and `id`. */
  readonly entities: Readonly<Record<string, Readonly<Record<string, Data>>>>;
  /** Root fields of all kinds. */
  readonly roots: Data;
}

function resolverOf(data: SharedData): GraphQLFieldResolver<Source, unknown> {
  const parents = new WeakMap<object, Data>();
  const above = (source: Source, type: string): Data | undefined => {
    for (let object = source; object; object = parents.get(object))
      if (object['__typename'] === type) return object;
    return undefined;
  };
  const adopt = (value: unknown, parent: Data): void => {
    if (Array.isArray(value)) for (const item of value) adopt(item, parent);
    else if (typeof value === 'object' && value !== null) parents.set(value, parent);
  };
  return (source, args, _context, { fieldName }) => {
    const own = source && Object.hasOwn(source, fieldName) ? source[fieldName] : undefined;
    const value: unknown = source ? own : data.roots[fieldName];
    const ancestor: Ancestor = (type) => above(source, type);
    const result = resolved(data, typeof value === 'function' ? value(args, source, ancestor) : value);
    if (source) adopt(result, source);
    return result;
  };
}

function resolved(data: SharedData, value: unknown): unknown {
  if (value instanceof Ref) return entityOf(data, value.type, value.id);
  if (value instanceof Error) throw value;
  return Array.isArray(value)
    ? value.map((item) => (item instanceof Error ? item : resolved(data, item)))
    : value;
}

function entityOf({ entities }: SharedData, type: string, id: string): Data | null {
  const found = entities[type]?.[id];
  return found ? { __typename: type, id, ...found } : null;
}

/** The answer of one schema that has everything: what federation must amount to. `guards` are for whom nobody is signed in. */
export async function referenceAnswer(
  schema: GraphQLSchema,
  data: SharedData,
  query: string,
  variableValues?: Data,
  guards: ReadonlySet<string> = new Set(),
): Promise<FormattedExecutionResult<Data>> {
  const document = inlined(parse(query));
  const errors = validate(schema, parse(query));
  if (errors.length > 0) throw new Error(errors.map(({ message }) => message).join('\n'));
  const hidden = hiddenFields(schema, guards, document);
  const resolve = resolverOf(data);
  const fieldResolver: typeof resolve = (source, args, context, info) => {
    if (info.fieldNodes.every((node) => hidden.has(node))) throw new Error('hidden');
    return resolve(source, args, context, info);
  };
  const result = await execute({ schema, document, variableValues, fieldResolver });
  return JSON.parse(JSON.stringify(result));
}

/** Gives every subgraph resolvers over the shared data. An entity that is asked for by key shows its external fields only as they were sent. */
export function subgraphsOver(
  data: SharedData,
  sdls: Readonly<Record<string, string>>,
  isFederation1 = false,
): TestSubgraphs {
  return Object.fromEntries(
    Object.entries(sdls).map(([name, typeDefs]) => [
      name,
      { typeDefs, isFederation1, resolvers: referencesOf(data, typeDefs), fieldResolver: resolverOf(data) },
    ]),
  );
}

function referencesOf(data: SharedData, typeDefs: string) {
  const resolvers: Record<string, object> = {};
  for (const definition of parse(typeDefs).definitions) {
    const isType =
      definition.kind === Kind.OBJECT_TYPE_DEFINITION ||
      definition.kind === Kind.OBJECT_TYPE_EXTENSION ||
      definition.kind === Kind.INTERFACE_TYPE_DEFINITION;
    if (!isType || !definition.directives?.some(({ name }) => name.value === 'key')) continue;
    const external = (definition.fields ?? [])
      .filter(({ directives }) => directives?.some(({ name }) => name.value === 'external'))
      .map(({ name }) => name.value);
    const type = definition.name.value;
    const isObject = definition.kind !== Kind.INTERFACE_TYPE_DEFINITION;
    resolvers[type] = {
      __resolveReference: (sent: Data) => view(data, type, isObject, external, sent),
    };
  }
  return resolvers;
}

/** An entity may have been sent by a pair, which holds its id. */
function idOf({ id, pair }: Data): string {
  const part = typeof pair === 'object' && pair !== null && 'a' in pair ? pair.a : undefined;
  return String(id ?? part);
}

function view(data: SharedData, type: string, isObject: boolean, external: string[], sent: Data) {
  const id = idOf(sent);
  const concrete = data.entities[type]
    ? type
    : Object.keys(data.entities).find((t) => data.entities[t]?.[id]);
  const found = entityOf(data, concrete ?? type, id);
  if (!found) return null;
  const own = Object.entries(found).filter(([key]) => !external.includes(key));
  const { __typename: _sentType, ...fields } = sent;
  return { ...Object.fromEntries(own), ...fields, __typename: isObject ? type : found['__typename'] };
}
