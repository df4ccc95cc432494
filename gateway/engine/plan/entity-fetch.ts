import type { FetchNode, QueryPlanSelectionNode } from '@apollo/query-planner';
import type { FormattedExecutionResult, GraphQLSchema } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import { compileContext } from './context-arguments.ts';
import { isJsonObject, type Execution, type JsonObject, type ResponsePath, type Run } from './execution.ts';
import { clientOf, compileVariables, staticPrefix, operationOf } from './fetch.ts';
import { compilePath, entitiesAt, placesAt, type Steps } from './flatten.ts';
import { copyOf, mergeInto } from './merge.ts';
import { compileEntityRepresentation, type Represent } from './representation.ts';
import { compileRewrites, renamedPath, type Rewrite } from './rewrites.ts';
import { FRAGMENT_PREFIX, typeSet } from './type-sets.ts';
import { servesSeveralCases } from './several-cases.ts';
import { fetchFailure, subgraphErrors } from './subgraph-errors.ts';

/** Entities that go out in one request: each distinct representation once, with the objects that it stands for. */
interface Batch {
  readonly targets: Map<string, JsonObject[]>;
  readonly extraVariables: JsonObject;
}

/** A fetch through `_entities` for every object at `path`. */
export function compileEntityFetch(
  schema: GraphQLSchema,
  node: FetchNode & { requires: NonNullable<FetchNode['requires']> },
  path: ResponsePath,
): Run {
  const steps = compilePath(path);
  const represent = onlyKnownTypes(
    schema,
    node,
    withRewrites(
      compileEntityRepresentation(schema, node.requires),
      compileRewrites(schema, node.inputRewrites),
    ),
  );
  const batchesOf = compileBatches(schema, node, steps, represent);
  const send = compileSend(schema, node, path, steps);
  return (execution) => {
    const batches = batchesOf(execution);
    const [only] = batches;
    if (only === undefined) return undefined;
    if (batches.length === 1) return send(execution, only);
    return Promise.all(batches.map((batch) => send(execution, batch))).then(() => undefined);
  };
}

function withRewrites(represent: Represent, rewrite: Rewrite | undefined): Represent {
  if (!rewrite) return represent;
  return (entity, mayLack) => {
    const text = represent(entity, mayLack);
    if (text === undefined) return undefined;
    const object: unknown = JSON.parse(text);
    rewrite(object);
    return JSON.stringify(object);
  };
}

/**
 * What is required of an interface's objects is required of all of its types. A subgraph that knows the interface as an object is asked for those
 * alone whose type is rewritten to the interface: of others it knows nothing, and they were not asked for.
 */
function onlyKnownTypes(schema: GraphQLSchema, node: FetchNode, represent: Represent): Represent {
  const setters = (node.inputRewrites ?? []).filter((rewrite) => rewrite.kind === 'ValueSetter');
  if (setters.length === 0) return represent;
  const known = new Set<unknown>();
  const unknown = new Set<unknown>();
  for (const { path, setValueTo } of setters) {
    const [first = ''] = path;
    known.add(setValueTo);
    for (const name of typeSet(schema, first.slice(FRAGMENT_PREFIX.length))) known.add(name);
    for (const name of typeSet(schema, String(setValueTo))) unknown.add(name);
  }
  return (entity, mayLack) => {
    const typeName = entity['__typename'];
    return unknown.has(typeName) && !known.has(typeName) ? undefined : represent(entity, mayLack);
  };
}

/** Entities whose context arguments differ cannot share a request: a request has one value per variable. */
function compileBatches(
  schema: GraphQLSchema,
  node: FetchNode,
  steps: Steps,
  represent: Represent,
): (execution: Execution) => Batch[] {
  const readContext = compileContext(schema, node.contextRewrites);
  const isConditional = servesSeveralCases(node);
  const required = requiredKeys(node.requires ?? []);
  return ({ data, errors, earlierErrors = [] }) => {
    // Something that is missing because a fetch failed must not be taken for that.
    const failures = isConditional ? [...errors, ...earlierErrors] : [];
    const batches = new Map<string, Batch>();
    const places = readContext || failures.length > 0 ? placesAt(data, steps) : undefined;
    for (const entity of entitiesAt(data, steps)) {
      const place = places?.get(entity);
      const mayLack = isConditional && !failures.some(({ path }) => mayExplain(path, place?.path, required));
      const text = represent(entity, mayLack);
      if (text === undefined) continue;
      const extraVariables = readContext && place ? readContext(entity, place) : {};
      const key = readContext ? JSON.stringify(extraVariables) : '';
      let batch = batches.get(key);
      if (!batch) batches.set(key, (batch = { targets: new Map(), extraVariables }));
      const targets = batch.targets.get(text);
      if (targets) targets.push(entity);
      else batch.targets.set(text, [entity]);
    }
    return [...batches.values()];
  };
}

/** Names of what a fetch requires of its objects. */
function requiredKeys(requires: readonly QueryPlanSelectionNode[]): Set<string> {
  const inner = (node: QueryPlanSelectionNode) =>
    node.kind === 'Field' ? [node.alias ?? node.name] : [...requiredKeys(node.selections)];
  return new Set(requires.flatMap(inner));
}

/** Whether an error lies above an object, at it, or in something that is required of it. */
function mayExplain(
  error: ResponsePath = [],
  object: ResponsePath = [],
  required: ReadonlySet<string>,
): boolean {
  const isOneBranch = error.slice(0, object.length).every((part, index) => part === object[index]);
  return isOneBranch && (error.length <= object.length || required.has(String(error[object.length])));
}

type Send = (execution: Execution, batch: Batch) => Promise<void>;

function compileSend(schema: GraphQLSchema, node: FetchNode, path: ResponsePath, steps: Steps): Send {
  const service = node.serviceName;
  const operation = operationOf(node);
  const pickVariables = compileVariables(node);
  const rewrite = compileRewrites(schema, node.outputRewrites);
  const prefix = staticPrefix(path);
  const rename = (place: ResponsePath) => renamedPath(node.outputRewrites, place);
  return async (execution, batch) => {
    const { headers, signal, endsAtMs } = execution;
    const groups = [...batch.targets.values()];
    try {
      const variables = { ...pickVariables(execution), ...batch.extraVariables };
      const representations = [...batch.targets.keys()];
      const request = { operation, variables, representations, headers, signal, endsAtMs };
      const result = await clientOf(execution, service).fetch(request);
      if (result.errors) addErrors(execution, service, result.errors, { groups, steps, prefix, rename });
      mergeEntities(schema, entitiesOf(result, groups.length, service), groups, rewrite);
    } catch (error) {
      fetchFailure(execution, service, error, [prefix]);
    }
  };
}

/** Where the objects of a fetch's representations stand. */
interface Targets {
  readonly groups: readonly JsonObject[][];
  readonly steps: Steps;
  readonly prefix: ResponsePath;
  readonly rename: (place: ResponsePath) => ResponsePath;
}

/** An error at `_entities.n` becomes one at every object that the n-th representation stands for. */
function addErrors(
  execution: Execution,
  service: string,
  errors: unknown,
  { groups, steps, prefix, rename }: Targets,
): void {
  const places = placesAt(execution.data, steps);
  const hydrated = (path: ResponsePath | undefined): ResponsePath[] => {
    const [, index] = path ?? [];
    const targets = typeof index === 'number' ? (groups[index] ?? []) : [];
    const found = targets.flatMap((target) => {
      const place = places.get(target);
      return place && path ? [[...place.path, ...rename(path.slice(2))]] : [];
    });
    return found.length > 0 ? found : [prefix];
  };
  execution.errors.push(...subgraphErrors(errors, service, hydrated));
}

function entitiesOf(
  { data, errors }: FormattedExecutionResult,
  count: number,
  service: string,
): readonly unknown[] {
  const entities: unknown = isJsonObject(data) ? data['_entities'] : undefined;
  if (Array.isArray(entities) && entities.length === count) return entities;
  const failed = entities === undefined || entities === null;
  if (failed && Array.isArray(errors) && errors.length > 0) return [];
  throw new CodedError('SUBGRAPH_ERROR', `The subgraph ${service} did not answer with ${count} entities.`);
}

function mergeEntities(
  schema: GraphQLSchema,
  entities: readonly unknown[],
  groups: readonly JsonObject[][],
  rewrite: Rewrite | undefined,
): void {
  entities.forEach((entity, index) => {
    const targets = groups[index];
    if (!targets || !isJsonObject(entity)) return;
    // Rewrites look at types, and a subgraph was not always asked for the type.
    const typeName = targets[0]?.['__typename'];
    if (rewrite && entity['__typename'] === undefined) entity['__typename'] = typeName;
    rewrite?.(entity);
    targets.forEach((target, i) =>
      mergeInto(schema, target, i === targets.length - 1 ? entity : copyOf(entity)),
    );
  });
}
