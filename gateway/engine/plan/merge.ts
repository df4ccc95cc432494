import { isAbstractType, type GraphQLSchema } from 'graphql';
import { isJsonObject, type JsonObject } from './execution.ts';

/**
 * Adds what a fetch brought to what is there, deeply. A null never replaces a value: two fetches may ask for the same object, and one of
 * them failing must not take away what the other one brought. Nor does the name of an interface replace a type: it comes from a subgraph that
 * knows the interface as an object (`@interfaceObject`), whichever type the object is of.
 */
export function mergeInto(schema: GraphQLSchema, target: JsonObject, source: JsonObject): void {
  for (const key of Object.keys(source)) {
    // Reading it would reach Object.prototype, and merging into that would change every object of the process.
    if (key === '__proto__') continue;
    const incoming = source[key];
    if (incoming === undefined) continue;
    const current = target[key];
    if (current === undefined || typeof current === 'function') target[key] = incoming;
    else if (key !== '__typename') target[key] = merged(schema, current, incoming);
    else if (isType(schema, incoming)) target[key] = incoming;
  }
}

const isType = (schema: GraphQLSchema, name: unknown) =>
  typeof name === 'string' && !isAbstractType(schema.getType(name));

function merged(schema: GraphQLSchema, current: unknown, incoming: unknown): unknown {
  if (incoming === null || incoming === undefined) return current ?? null;
  if (Array.isArray(current) && Array.isArray(incoming) && current.length === incoming.length) {
    for (let i = 0; i < incoming.length; i++) current[i] = merged(schema, current[i], incoming[i]);
    return current;
  }
  if (isJsonObject(current) && isJsonObject(incoming)) {
    mergeInto(schema, current, incoming);
    return current;
  }
  return incoming;
}

/** A deep copy of JSON data. */
export function copyOf<T>(value: T): T;
export function copyOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item: unknown) => copyOf(item));
  if (!isJsonObject(value)) return value;
  const copy: JsonObject = {};
  for (const key of Object.keys(value)) if (key !== '__proto__') copy[key] = copyOf(value[key]);
  return copy;
}
