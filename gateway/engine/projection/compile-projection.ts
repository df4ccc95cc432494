import {
  isAbstractType,
  isNonNullType,
  type FieldNode,
  type GraphQLCompositeType,
  type GraphQLObjectType,
  type GraphQLOutputType,
  type GraphQLSchema,
} from 'graphql';
import type { JsonObject } from '../plan/execution.ts';
import type { PrivateNames } from '../private-names.ts';
import {
  BUBBLE,
  compileValue,
  type Complete,
  type CompileObject,
  type CompleteObject,
  type DeferredPart,
  type ProjectionRun,
} from './complete.ts';
import {
  collectFields,
  conditionVariables,
  type Conditions,
  type OperationAst,
  type SelectionListener,
} from './selection.ts';

/** Cuts merged data down to what the client asked for, in its order, by the rules of its schema. */
export interface Projection {
  /** The client's `data`: fresh objects, null where a null bubbled to the top. */
  project(data: JsonObject, variables: JsonObject, run: ProjectionRun): JsonObject | null;
  /** Whether anything is selected that subgraphs must answer, under these variables, and that the caller may see. */
  selectsData(variables: JsonObject): boolean;
}

interface Variant {
  readonly complete: CompleteObject;
  readonly selectsData: boolean;
}

/** `@skip` and `@include` make variants of an operation; so many are kept compiled. */
const MAX_VARIANTS = 64;

export function compileProjection(
  schema: GraphQLSchema,
  names: PrivateNames,
  ast: OperationAst,
  root: GraphQLObjectType,
): Projection {
  const conditional = conditionVariables(ast);
  const variants = new Map<string, Variant>();
  const variantFor = (variables: JsonObject) => {
    const key = conditional.map((name) => (variables[name] === true ? '1' : '0')).join('');
    let variant = variants.get(key);
    if (!variant) {
      if (variants.size >= MAX_VARIANTS) variants.clear();
      const conditions = new Map(conditional.map((name) => [name, variables[name] === true]));
      variants.set(key, (variant = compileVariant(schema, names, ast, root, conditions)));
    }
    return variant;
  };
  return {
    project: (data, variables, run) => {
      const result = variantFor(variables).complete(data, run, undefined);
      return result === BUBBLE ? null : (result as JsonObject);
    },
    selectsData: (variables) => variantFor(variables).selectsData,
  };
}

function compileVariant(
  schema: GraphQLSchema,
  names: PrivateNames,
  ast: OperationAst,
  root: GraphQLObjectType,
  conditions: Conditions,
): Variant {
  const compileObject: CompileObject = (type, sets) => {
    let fields: readonly Field[] | undefined;
    const deferred: DeferredPart[] = [];
    let isTypeNeeded = false;
    const listener: SelectionListener = {
      onDeferred: ({ label, selectionSet }) =>
        deferred.push({ label, complete: compileObject(type, [selectionSet]) }),
      onOtherType: () => (isTypeNeeded = isAbstractType(type)),
    };
    return (object, run, place) => {
      fields ??= fieldsOf(type, collectFields(schema, ast, conditions, type, sets, listener));
      if (isTypeNeeded) return typeUnknown(type, run, place);
      const result = completeFields(fields, object, run, place);
      if (deferred.length > 0 && result !== BUBBLE)
        for (const part of deferred) run.defer?.(part, object, place);
      return result;
    };
  };
  const fieldsOf = (type: GraphQLCompositeType, selected: ReadonlyMap<string, FieldNode[]>) =>
    [...selected].map(([key, nodes]) => compileField(schema, names, ast, compileObject, type, key, nodes));
  const sets = [ast.operation.selectionSet];
  const selected = collectFields(schema, ast, conditions, root, sets);
  const selectsData = [...selected.values()].some(
    (nodes) => visibleOf(ast, nodes) && !nodes[0]?.name.value.startsWith('__'),
  );
  return { complete: compileObject(root, sets), selectsData };
}

interface Field {
  readonly key: string;
  readonly read: (object: JsonObject, run: ProjectionRun, place: Parameters<CompleteObject>[2]) => unknown;
}

function compileField(
  schema: GraphQLSchema,
  names: PrivateNames,
  ast: OperationAst,
  compileObject: CompileObject,
  type: GraphQLCompositeType,
  key: string,
  nodes: readonly FieldNode[],
): Field {
  const [node] = nodes;
  const name = node?.name.value ?? '';
  if (name === '__typename') return { key, read: typeNameReader(type) };
  if (name === '__schema' || name === '__type')
    return { key, read: (_object, run) => run.introspection[key] ?? null };
  const definition = 'getFields' in type ? type.getFields()[name] : undefined;
  if (!definition || !node) throw new Error(`${type.name} has no field ${name}`);
  const visible = visibleOf(ast, nodes);
  if (!visible) return { key, read: withheldReader(`${type.name}.${name}`, definition.type, names.of(node)) };
  const inner = names.of(visible);
  const complete: Complete = compileValue(
    schema,
    compileObject,
    definition.type,
    nodes,
    `${type.name}.${name}`,
  );
  return { key, read: (object, run, place) => complete(object[inner], run, place, inner) };
}

/** The first of one field's nodes that the caller may see; fields below the others are withheld by themselves. */
const visibleOf = ({ withheld }: OperationAst, nodes: readonly FieldNode[]): FieldNode | undefined =>
  nodes.find((node) => !withheld?.has(node));

function withheldReader(coordinate: string, type: GraphQLOutputType, inner: string): Field['read'] {
  const value = isNonNullType(type) ? BUBBLE : null;
  return (_object, run, place) => {
    run.unauthorized(coordinate, place, inner);
    return value;
  };
}

/** A concrete type knows its name. An interface's own name is no answer: the object's real type is missing. */
function typeNameReader(type: GraphQLCompositeType): Field['read'] {
  if ('isTypeOf' in type) return () => type.name;
  return (_object, run, place) => typeUnknown(type, run, place);
}

/** The fetch that would have told the type failed: what applies to the object cannot be decided. */
function typeUnknown(
  { name }: GraphQLCompositeType,
  run: ProjectionRun,
  place: Parameters<CompleteObject>[2],
): typeof BUBBLE {
  run.violation(`The type of an object of ${name} is not known.`, place, '__typename');
  return BUBBLE;
}

function completeFields(
  fields: readonly Field[],
  object: JsonObject,
  run: ProjectionRun,
  place: Parameters<CompleteObject>[2],
): unknown {
  const result: JsonObject = {};
  for (const { key, read } of fields) {
    const value = read(object, run, place);
    if (value === BUBBLE) return BUBBLE;
    if (key === '__proto__') defineOwn(result, key, value);
    else result[key] = value;
  }
  return result;
}

/** Assigning would call the setter that Object.prototype has for this name. */
function defineOwn(object: JsonObject, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
}
