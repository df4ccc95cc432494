import { isJsonObject, type JsonObject } from './execution.ts';

/**
 * Adds what a fetch brought to what is there, deeply. A null never replaces a value: two fetches may ask for the same object, and one of
 * them failing must not take away what the other one brought.
 */
export function mergeInto(target: JsonObject, source: JsonObject): void {
  for (const key of Object.keys(source)) {
    // Reading it would reach Object.prototype, and merging into that would change every object of the process.
    if (key === '__proto__') continue;
    const incoming = source[key];
    if (incoming === undefined) continue;
    const current = target[key];
    target[key] =
      current === undefined || typeof current === 'function' ? incoming : merged(current, incoming);
  }
}

function merged(current: unknown, incoming: unknown): unknown {
  if (incoming === null || incoming === undefined) return current ?? null;
  if (Array.isArray(current) && Array.isArray(incoming) && current.length === incoming.length) {
    for (let i = 0; i < incoming.length; i++) current[i] = merged(current[i], incoming[i]);
    return current;
  }
  if (isJsonObject(current) && isJsonObject(incoming)) {
    mergeInto(current, incoming);
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
