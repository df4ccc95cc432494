import {
  getNamedType,
  TypeInfo,
  visit,
  visitWithTypeInfo,
  type DocumentNode,
  type GraphQLSchema,
} from 'graphql';
import type { RequiredFields } from './required-fields.ts';

/**
 * Two fields whose `@requires` ask for the same field with different arguments: the planner fetches that field once, and one of the two would
 * be computed from the wrong value. Returns a pair of coordinates that one object would need, or null. Fragments count as one object each, so
 * a pair found in different fragments of one type is reported as well, by type.
 */
export function findRequiredConflict(
  schema: GraphQLSchema,
  document: DocumentNode,
  { byCoordinate, withArguments }: RequiredFields,
): readonly [string, string] | null {
  if (withArguments.size === 0) return null;
  const selected = new Set<string>();
  const types = new TypeInfo(schema);
  visit(
    document,
    visitWithTypeInfo(types, {
      Field(field) {
        const parent = types.getParentType();
        if (!parent) return;
        for (const name of concreteNames(schema, getNamedType(parent).name)) {
          const coordinate = `${name}.${field.name.value}`;
          if (byCoordinate.has(coordinate)) selected.add(coordinate);
        }
      },
    }),
  );
  return conflictAmong([...selected], byCoordinate);
}

function concreteNames(schema: GraphQLSchema, name: string): string[] {
  const type = schema.getType(name);
  if (type === undefined || !('getInterfaces' in type || 'getTypes' in type)) return [name];
  const isAbstract = 'resolveType' in type;
  return isAbstract ? [name, ...schema.getPossibleTypes(type).map((possible) => possible.name)] : [name];
}

function conflictAmong(
  selected: readonly string[],
  byCoordinate: RequiredFields['byCoordinate'],
): readonly [string, string] | null {
  const seen = new Map<string, { text: string; coordinate: string }>();
  for (const coordinate of selected) {
    const type = coordinate.slice(0, coordinate.indexOf('.'));
    for (const [path, text] of byCoordinate.get(coordinate) ?? []) {
      const other = seen.get(type + path);
      if (other && other.text !== text) return [other.coordinate, coordinate];
      seen.set(type + path, { text, coordinate });
    }
  }
  return null;
}
