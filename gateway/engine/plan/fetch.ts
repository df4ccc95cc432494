import type { FetchNode } from '@apollo/query-planner';
import { Kind, parse, type GraphQLSchema, type SelectionSetNode } from 'graphql';
import { subgraphOperation, type SubgraphClient, type SubgraphOperation } from '../client/subgraph-client.ts';
import { CodedError } from '#platform/errors.ts';
import { publicName } from '../private-names.ts';
import { isJsonObject, type Execution, type JsonObject, type ResponsePath, type Run } from './execution.ts';
import { compilePath, entitiesAt } from './flatten.ts';
import { copyOf, mergeInto } from './merge.ts';
import { compileRewrites, renamedPath } from './rewrites.ts';
import { fetchFailure, subgraphErrors } from './subgraph-errors.ts';

/** The constant part of a fetch's requests. */
export const operationOf = ({ operation, operationName, operationKind }: FetchNode): SubgraphOperation =>
  subgraphOperation(operation, operationName, operationKind);

export type PickVariables = (execution: Pick<Execution, 'variables'>) => JsonObject;

/** Picks a fetch's variables: what the client gave, under the names of the plan. */
export function compileVariables(node: FetchNode): PickVariables {
  const names = (node.variableUsages ?? []).map((inner) => ({ inner, given: publicName(inner) }));
  return ({ variables }) => {
    const picked: JsonObject = {};
    for (const { inner, given } of names) {
      if (Object.hasOwn(variables, given) && variables[given] !== undefined) picked[inner] = variables[given];
    }
    return picked;
  };
}

/** Response names that a fetch selects at its top. */
export function rootKeys(node: FetchNode): string[] {
  const keys = new Set<string>();
  const add = ({ selections }: SelectionSetNode) => {
    for (const selection of selections) {
      if (selection.kind === Kind.FIELD) keys.add(selection.alias?.value ?? selection.name.value);
      if (selection.kind === Kind.INLINE_FRAGMENT) add(selection.selectionSet);
    }
  };
  for (const definition of parse(node.operation, { noLocation: true }).definitions) {
    if (definition.kind === Kind.OPERATION_DEFINITION) add(definition.selectionSet);
  }
  return [...keys];
}

/** Throws where the supergraph names a subgraph that nobody can reach. */
export function clientOf({ clients }: Execution, service: string): SubgraphClient {
  const client = clients.get(service);
  if (!client) throw new CodedError('SUBGRAPH_UNAVAILABLE', `The subgraph ${service} is not connected.`);
  return client;
}

/** A fetch of root fields: into the response's root, or into every object at `path`. */
export function compileRootFetch(schema: GraphQLSchema, node: FetchNode, path: ResponsePath): Run {
  const service = node.serviceName;
  const operation = operationOf(node);
  const pickVariables = compileVariables(node);
  const rewrite = compileRewrites(schema, node.outputRewrites);
  const steps = compilePath(path);
  const prefix = staticPrefix(path);
  const keys = rootKeys(node);
  const placeOf = (place: ResponsePath | undefined) => [
    place && [...prefix, ...renamedPath(node.outputRewrites, place)],
  ];
  return async (execution) => {
    const { headers, signal, endsAtMs, passThrough } = execution;
    const asText = passThrough !== undefined;
    try {
      const variables = pickVariables(execution);
      const request = { operation, variables, representations: null, headers, signal, endsAtMs, asText };
      const { data, errors, text } = await clientOf(execution, service).fetch(request);
      if (passThrough && text !== undefined) return void (passThrough.text = text);
      execution.errors.push(...subgraphErrors(errors, service, placeOf));
      if (!isJsonObject(data)) return requireErrors(errors, service);
      rewrite?.(data);
      mergeEverywhere(schema, entitiesAt(execution.data, steps), data);
    } catch (error) {
      const paths = keys.map((key) => [...prefix, key]);
      fetchFailure(execution, service, error, paths);
    }
  };
}

function requireErrors(errors: unknown, service: string): void {
  if (Array.isArray(errors) && errors.length > 0) return;
  throw new CodedError('SUBGRAPH_ERROR', `The subgraph ${service} answered with no data.`);
}

/** Each target gets an object of its own: later fetches change them one by one. */
function mergeEverywhere(schema: GraphQLSchema, targets: readonly JsonObject[], data: JsonObject): void {
  targets.forEach((target, index) =>
    mergeInto(schema, target, index === targets.length - 1 ? data : copyOf(data)),
  );
}

/** The part of a plan's path that is the same for every object there. */
export function staticPrefix(path: ResponsePath): ResponsePath {
  const names = path.map((part) => String(part).split('|')[0] ?? '');
  const list = names.indexOf('@');
  return list < 0 ? names : names.slice(0, list);
}
