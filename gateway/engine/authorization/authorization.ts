import type { Schema } from '@apollo/federation-internals';
import {
  getNamedType,
  isAbstractType,
  isObjectType,
  type GraphQLCompositeType,
  type GraphQLSchema,
} from 'graphql';
import { isMet, readRequirements, type Requirement, type Requirements } from './requirements.ts';

/** What it takes to see the parts of one supergraph. */
export interface Authorization {
  /** What clients know of that demands anything of its caller: names of types and `Type.field`, in order. */
  readonly guarded: readonly string[];
  ofType(name: string): readonly Requirement[];
  /**
   * What a field demands that is asked for on `parent`: its own requirements, those of `parent`, and those of the type of its values. On an
   * abstract type also what any of its objects would demand: which of them will come is not known before they are fetched.
   */
  ofField(parent: GraphQLCompositeType, name: string): readonly Requirement[];
}

/** Null where nothing is demanded. `schema` is that of the clients. */
export function readAuthorization(supergraph: Schema, schema: GraphQLSchema): Authorization | null {
  const requirements = readRequirements(supergraph);
  if (requirements.size === 0) return null;
  const known = new Map<string, readonly Requirement[]>();
  return {
    guarded: guardedParts(requirements, schema),
    ofType: (name) => requirements.get(name) ?? [],
    ofField(parent, name) {
      const coordinate = `${parent.name}.${name}`;
      let all = known.get(coordinate);
      if (!all) known.set(coordinate, (all = [...new Set(demandsOf(requirements, schema, parent, name))]));
      return all;
    },
  };
}

function guardedParts(requirements: Requirements, schema: GraphQLSchema): string[] {
  const guarded = [...requirements].filter(([, all]) => !all.every((one) => isMet(one, undefined)));
  return guarded.flatMap(([part]) => (isKnown(schema, part) ? [part] : [])).sort();
}

function isKnown(schema: GraphQLSchema, part: string): boolean {
  const [typeName = '', field] = part.split('.');
  const type = schema.getType(typeName);
  if (field === undefined) return type !== undefined;
  return type !== undefined && 'getFields' in type && Object.hasOwn(type.getFields(), field);
}

function demandsOf(
  requirements: Requirements,
  schema: GraphQLSchema,
  parent: GraphQLCompositeType,
  name: string,
): Requirement[] {
  const field = 'getFields' in parent ? parent.getFields()[name] : undefined;
  const places = [parent.name, `${parent.name}.${name}`, ...(field ? [getNamedType(field.type).name] : [])];
  const objects = isAbstractType(parent) ? schema.getPossibleTypes(parent).filter(isObjectType) : [];
  return [
    ...places.flatMap((place) => requirements.get(place) ?? []),
    ...objects.flatMap((object) => demandsOf(requirements, schema, object, name)),
  ];
}
