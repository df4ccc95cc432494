import type { GraphQLSchema } from 'graphql';
import { typeSet } from '../plan/type-sets.ts';

/** Names of object types; null: all there are. */
export type TypeNames = ReadonlySet<string> | null;

/** Sets of types of one schema, each made once, so that equal ones are mostly the same object. */
export interface TypeSets {
  /** All that a fragment on `name` applies to. */
  of(name: string): ReadonlySet<string>;
  meet(one: TypeNames, other: TypeNames): TypeNames;
}

export function createTypeSets(schema: GraphQLSchema): TypeSets {
  const byName = new Map<string, ReadonlySet<string>>();
  const met = new WeakMap<ReadonlySet<string>, WeakMap<ReadonlySet<string>, ReadonlySet<string>>>();
  return {
    of(name) {
      let names = byName.get(name);
      // Names come from plans and valid operations: there are no more of them than the schema has types.
      if (!names) byName.set(name, (names = typeSet(schema, name)));
      return names;
    },
    meet(one, other) {
      if (one === null || one === other) return other;
      if (other === null) return one;
      let known = met.get(one);
      if (!known) met.set(one, (known = new WeakMap()));
      let names = known.get(other);
      if (!names) known.set(other, (names = intersection(one, other)));
      return names;
    },
  };
}

/** The same set as one of the two where that is what they have in common. */
export function intersection(one: ReadonlySet<string>, other: ReadonlySet<string>): ReadonlySet<string> {
  const names = new Set([...one].filter((name) => other.has(name)));
  if (names.size === one.size) return one;
  return names.size === other.size ? other : names;
}

export const applies = (types: TypeNames, name: string): boolean => types === null || types.has(name);

export function overlap(one: TypeNames, other: ReadonlySet<string>): boolean {
  if (one === null || one === other) return true;
  for (const name of other) if (one.has(name)) return true;
  return false;
}
