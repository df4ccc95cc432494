import type { FetchDataRewrite } from '@apollo/query-planner';
import type { GraphQLSchema } from 'graphql';
import { isJsonObject, type JsonObject, type ResponsePath } from './execution.ts';
import { FRAGMENT_PREFIX, isFragment, typeSet } from './type-sets.ts';

export type Rewrite = (value: unknown) => void;
type Step = { readonly types: ReadonlySet<string> } | { readonly key: string };

/** Changes data in place; undefined where there is nothing to change. */
export function compileRewrites(
  schema: GraphQLSchema,
  rewrites: readonly FetchDataRewrite[] | undefined,
): Rewrite | undefined {
  if (!rewrites?.length) return undefined;
  const compiled = rewrites.map((rewrite) => compileRewrite(schema, rewrite));
  return (value) => {
    for (const apply of compiled) apply(value);
  };
}

function compileRewrite(schema: GraphQLSchema, rewrite: FetchDataRewrite): Rewrite {
  const steps = rewrite.path.slice(0, -1).map((part): Step => {
    if (!isFragment(part)) return { key: part };
    return { types: typeSet(schema, part.slice(FRAGMENT_PREFIX.length)) };
  });
  const change = changeOf(rewrite, rewrite.path.at(-1) ?? '');
  return (value) => applyAt(value, steps, 0, change);
}

function changeOf(rewrite: FetchDataRewrite, key: string): (object: JsonObject) => void {
  if (rewrite.kind === 'ValueSetter') {
    const value: unknown = rewrite.setValueTo;
    return (object) => void (object[key] = value);
  }
  return (object) => {
    if (object[key] === undefined) return;
    object[rewrite.renameKeyTo] = object[key];
    object[key] = undefined;
  };
}

function applyAt(
  value: unknown,
  steps: readonly Step[],
  index: number,
  change: (object: JsonObject) => void,
): void {
  if (Array.isArray(value)) {
    for (const item of value) applyAt(item, steps, index, change);
    return;
  }
  if (!isJsonObject(value)) return;
  const step = steps[index];
  if (step === undefined) change(value);
  else if ('key' in step) applyAt(value[step.key], steps, index + 1, change);
  else if (typeof value['__typename'] !== 'string' || step.types.has(value['__typename']))
    applyAt(value, steps, index + 1, change);
}

/** Where that which a fetch brings at `path` is found once it has renamed what it has to. */
export function renamedPath(
  rewrites: readonly FetchDataRewrite[] | undefined,
  path: ResponsePath,
): ResponsePath {
  if (!rewrites?.length) return path;
  let keys: string[] = [];
  return path.map((part) => {
    // Lists are no step of a rewrite's path.
    if (part === '@' || typeof part === 'number') return part;
    keys = [...keys, part];
    const rename = rewrites.find(
      (rewrite) => rewrite.path.filter((one) => !isFragment(one)).join() === keys.join(),
    );
    return rename?.kind === 'KeyRenamer' ? rename.renameKeyTo : part;
  });
}
