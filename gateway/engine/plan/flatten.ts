import { isJsonObject, type JsonObject, type ResponsePath } from './execution.ts';

/** One step of a plan's path: into a field, or (`@`) into every element of a list; then only into objects of `types`, if given. */
interface Step {
  readonly key: string;
  readonly isList: boolean;
  readonly types: ReadonlySet<string> | undefined;
}
export type Steps = readonly Step[];

/** Reads the planner's notation, for example `['users', '@', 'pets|[Cat,Dog]']`. */
export function compilePath(path: readonly (string | number)[]): Steps {
  return path.map((part) => {
    const text = String(part);
    const bar = text.indexOf('|[');
    const key = bar < 0 ? text : text.slice(0, bar);
    const types = bar < 0 ? undefined : new Set(text.slice(bar + 2, -1).split(','));
    return { key, isList: key === '@', types };
  });
}

/** Every object at the path, in document order; the same object may be met twice. */
export function entitiesAt(data: unknown, steps: Steps): JsonObject[] {
  const found: JsonObject[] = [];
  walk(data, steps, 0, (entity) => found.push(entity));
  return found;
}

/** Where every object lies in the response, and the objects above it from the nearest up. */
export interface Place {
  readonly path: ResponsePath;
  readonly parents: readonly JsonObject[];
}

/** As `entitiesAt`, with places. Slower: for errors and contexts. */
export function placesAt(data: unknown, steps: Steps): Map<JsonObject, Place> {
  const places = new Map<JsonObject, Place>();
  const path: (string | number)[] = [];
  const parents: JsonObject[] = [];
  walk(data, steps, 0, (entity) => places.set(entity, { path: [...path], parents: parents.toReversed() }), {
    path,
    parents,
  });
  return places;
}

interface Trail {
  readonly path: (string | number)[];
  readonly parents: JsonObject[];
}

function walk(
  value: unknown,
  steps: Steps,
  index: number,
  found: (entity: JsonObject) => void,
  trail?: Trail,
): void {
  if (Array.isArray(value)) {
    // Lists without a step of their own are walked through as well: the planner leaves out `@` where types differ.
    const next = steps[index]?.isList ? index + 1 : index;
    for (let i = 0; i < value.length; i++) {
      trail?.path.push(i);
      if (next === index || allows(steps[index], value[i])) walk(value[i], steps, next, found, trail);
      trail?.path.pop();
    }
    return;
  }
  if (!isJsonObject(value)) return;
  const step = steps[index];
  if (step === undefined) return found(value);
  if (step.isList) return;
  const child = value[step.key];
  if (!allows(step, child)) return;
  trail?.path.push(step.key);
  trail?.parents.push(value);
  walk(child, steps, index + 1, found, trail);
  trail?.parents.pop();
  trail?.path.pop();
}

function allows(step: Step | undefined, value: unknown): boolean {
  if (!step?.types || !isJsonObject(value)) return true;
  const typeName = value['__typename'];
  return typeof typeName !== 'string' || step.types.has(typeName);
}
