import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import type { SubgraphClient, SubgraphFetch } from '../subgraph-client.ts';
import type { EntityOperation } from './entity-operation.ts';
import { untracedHeaders } from './untraced-headers.ts';

export interface EntitySource {
  /** Of the subgraph, for errors. */
  readonly name: string;
  readonly client: Pick<SubgraphClient, 'fetch'>;
}

/**
 * The event of an announced entity, as the subgraph's own subscription would have given it. Null where the entity is not of the event's type.
 * Rejects as SubgraphClient.fetch.
 */
export async function entityEvent(
  { name, client }: EntitySource,
  entity: EntityOperation,
  request: SubgraphFetch,
  representation: Readonly<Record<string, unknown>>,
): Promise<FormattedExecutionResult | null> {
  const { responseName, operation, variableNames, mark } = entity;
  const given = Object.entries(request.variables).filter(([variable]) => variableNames.includes(variable));
  const { data, errors } = await client.fetch({
    operation,
    variables: Object.fromEntries(given),
    representations: [JSON.stringify(representation)],
    headers: untracedHeaders(request.headers),
    signal: request.signal,
  });
  const found = entityIn(data);
  if (found === null) {
    const reasons = errors ? placed(errors, responseName) : [missing(name, representation, responseName)];
    return { data: { [responseName]: null }, errors: reasons };
  }
  if (found === undefined || !(mark in found)) {
    if (errors) return { data: { [responseName]: null }, errors: placed(errors, responseName) };
    if (found) return null;
    throw new CodedError('SUBGRAPH_ERROR', `The subgraph ${name} did not answer with one entity.`);
  }
  const { [mark]: _type, ...event } = found;
  return { data: { [responseName]: event }, ...(errors && { errors: placed(errors, responseName) }) };
}

/** Undefined for an answer without a list of one. */
function entityIn(data: FormattedExecutionResult['data']): Record<string, unknown> | null | undefined {
  const list: unknown = data?.['_entities'];
  if (!Array.isArray(list) || list.length !== 1) return undefined;
  const [entity]: unknown[] = list;
  return typeof entity === 'object' ? (entity as Record<string, unknown> | null) : undefined;
}

const missing = (
  name: string,
  { __typename: typeName }: Readonly<Record<string, unknown>>,
  responseName: string,
): GraphQLFormattedError => ({
  message: `The subgraph ${name} has announced an object of type ${String(typeName)} that it does not have.`,
  path: [responseName],
  extensions: { code: 'NOT_FOUND' },
});

/** What lies within the entity lies within the event. */
function placed(errors: readonly GraphQLFormattedError[], responseName: string): GraphQLFormattedError[] {
  // Whatever a subgraph put there; the engine checks it later.
  const list: unknown = errors;
  const all: GraphQLFormattedError[] = Array.isArray(list) ? list : [list];
  return all.map((error) => {
    const path = Array.isArray(error?.path) ? error.path.slice(2) : [];
    return { ...error, path: [responseName, ...path] };
  });
}
