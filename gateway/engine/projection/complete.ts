import {
  getNullableType,
  isInterfaceType,
  isLeafType,
  isListType,
  isNonNullType,
  isObjectType,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLOutputType,
  type GraphQLSchema,
  type SelectionSetNode,
} from 'graphql';
import { isJsonObject, type JsonObject } from '../plan/execution.ts';
import { compileLeaf } from './leaf.ts';

/** A place in the data, as a linked list from the leaf up: built only where a composite value is entered. */
export interface Place {
  readonly parent: Place | undefined;
  readonly key: string | number;
}

/** What one projection of one result finds on its way. */
export interface ProjectionRun {
  readonly violation: (message: string, parent: Place | undefined, key: string | number) => void;
  /** Told of every place where a field is missing that the caller must not see. `coordinate` is `Type.field`. */
  readonly unauthorized: (coordinate: string, parent: Place | undefined, key: string | number) => void;
  readonly introspection: JsonObject;
  /** Told of every part of an object that is delivered later; the object may still vanish with a null that bubbles. */
  readonly defer?: (part: DeferredPart, object: JsonObject, place: Place | undefined) => void;
}

/** What a deferred fragment selects of objects of one type. */
export interface DeferredPart {
  readonly label: string;
  readonly complete: CompleteObject;
}

/** The value as the client gets it; BUBBLE where it is null and must not be. */
export type Complete = (
  value: unknown,
  run: ProjectionRun,
  parent: Place | undefined,
  key: string | number,
) => unknown;

/** Null where null is not allowed: the nearest nullable value above becomes null. */
export const BUBBLE = Symbol('bubble');

export type CompleteObject = (object: JsonObject, run: ProjectionRun, place: Place | undefined) => unknown;

/** Compiles the selection of an object type, lazily: a union's members are compiled when they turn up. */
export type CompileObject = (type: GraphQLCompositeType, sets: readonly SelectionSetNode[]) => CompleteObject;

/** Compiles what a field's value goes through. `where` is `Type.field`. */
export function compileValue(
  schema: GraphQLSchema,
  compileObject: CompileObject,
  type: GraphQLOutputType,
  nodes: readonly FieldNode[],
  where: string,
): Complete {
  const nullable = compileNullable(schema, compileObject, getNullableType(type), nodes, where);
  if (!isNonNullType(type)) {
    return (value, run, parent, key) => {
      if (value === null || value === undefined) return null;
      const completed = nullable(value, run, parent, key);
      return completed === BUBBLE ? null : completed;
    };
  }
  return (value, run, parent, key) => {
    if (value === null || value === undefined) {
      run.violation(`Cannot return null for non-nullable field ${where}.`, parent, key);
      return BUBBLE;
    }
    const completed = nullable(value, run, parent, key);
    return completed === null ? BUBBLE : completed;
  };
}

/** May answer null or BUBBLE for a value that cannot be shown; it has reported why. */
function compileNullable(
  schema: GraphQLSchema,
  compileObject: CompileObject,
  type: GraphQLOutputType,
  nodes: readonly FieldNode[],
  where: string,
): Complete {
  if (isListType(type)) {
    return completeList(compileValue(schema, compileObject, type.ofType, nodes, where), where);
  }
  if (isNonNullType(type)) throw new Error(`unexpected non-null inside a nullable type at ${where}`);
  if (isLeafType(type)) {
    const read = compileLeaf(type);
    return (value, run, parent, key) => {
      const leaf = read(value);
      if (leaf !== undefined) return leaf;
      run.violation(`Invalid value for field ${where}.`, parent, key);
      return null;
    };
  }
  const sets = nodes.flatMap(({ selectionSet }) => (selectionSet ? [selectionSet] : []));
  return completeComposite(compileResolution(schema, compileObject, type, sets), where);
}

function completeList(complete: Complete, where: string): Complete {
  return (value, run, parent, key) => {
    if (!Array.isArray(value)) {
      run.violation(`Invalid value for field ${where}: not a list.`, parent, key);
      return null;
    }
    const items: readonly unknown[] = value;
    const place = { parent, key };
    const list: unknown[] = [];
    let bubbles = false;
    for (let i = 0; i < items.length; i++) {
      const item = complete(items[i], run, place, i);
      if (item === BUBBLE) bubbles = true;
      list.push(item);
    }
    return bubbles ? null : list;
  };
}

/** Finds how to complete an object by its `__typename`; undefined where it cannot be one of the type. */
type Resolution = (object: JsonObject) => CompleteObject | undefined;

function completeComposite(resolve: Resolution, where: string): Complete {
  return (value, run, parent, key) => {
    const complete = isJsonObject(value) ? resolve(value) : undefined;
    if (!complete || !isJsonObject(value)) {
      run.violation(`Invalid value for field ${where}: not an object of its type.`, parent, key);
      return null;
    }
    return complete(value, run, { parent, key });
  };
}

function compileResolution(
  schema: GraphQLSchema,
  compileObject: CompileObject,
  type: GraphQLCompositeType,
  sets: readonly SelectionSetNode[],
): Resolution {
  const own = compileObject(type, sets);
  if (isObjectType(type)) {
    return ({ __typename: name }) => (name === undefined || name === type.name ? own : undefined);
  }
  const byName = new Map<unknown, CompleteObject>(
    schema.getPossibleTypes(type).map((possible) => [possible.name, compileObject(possible, sets)]),
  );
  // A subgraph that knows the interface as an object (`@interfaceObject`) answers with its name, or was not asked.
  if (isInterfaceType(type)) byName.set(type.name, own).set(undefined, own);
  return ({ __typename: name }) => byName.get(name);
}
