import type { FetchDataRewrite } from '@apollo/query-planner';
import type { GraphQLSchema } from 'graphql';
import { isJsonObject, type JsonObject } from './execution.ts';
import type { Place } from './flatten.ts';
import { FRAGMENT_PREFIX, typeSet } from './type-sets.ts';

type ContextRewrite = Extract<FetchDataRewrite, { kind: 'KeyRenamer' }>;
type Read = (entity: JsonObject, place: Place) => { name: string; value: unknown } | undefined;

/** Values of `@fromContext` arguments for one entity, by variable name. */
export type ReadContext = (entity: JsonObject, place: Place) => JsonObject;

/** Compiles a fetch's context rewrites: each goes up some objects (`..`), then down into the value. */
export function compileContext(
  schema: GraphQLSchema,
  rewrites: readonly ContextRewrite[] | undefined,
): ReadContext | undefined {
  if (!rewrites?.length) return undefined;
  const reads = rewrites.map((rewrite) => compileRead(schema, rewrite));
  return (entity, place) => {
    const values: JsonObject = {};
    for (const read of reads) {
      const found = read(entity, place);
      if (found) values[found.name] = found.value;
    }
    return values;
  };
}

function compileRead(schema: GraphQLSchema, { path, renameKeyTo: name }: ContextRewrite): Read {
  const first = path.findIndex((part) => part !== '..');
  const steps = path.slice(first).map((part) => compileStep(schema, part));
  return (entity, { parents }) => {
    let value: unknown = first === 0 ? entity : parents[first - 1];
    for (const step of steps) {
      if (!isJsonObject(value)) return { name, value: null };
      if ('key' in step) value = value[step.key];
      else if (typeof value['__typename'] === 'string' && !step.types.has(value['__typename']))
        return undefined;
    }
    return { name, value: value ?? null };
  };
}

type Step = { readonly types: ReadonlySet<string> } | { readonly key: string };

function compileStep(schema: GraphQLSchema, part: string): Step {
  if (!part.startsWith(FRAGMENT_PREFIX)) return { key: part };
  return { types: typeSet(schema, part.slice(FRAGMENT_PREFIX.length)) };
}
