import type { FormattedExecutionResult } from 'graphql';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';

/** The part of a subgraph request that is the same for every execution of a plan. */
export interface SubgraphOperation {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly kind: 'query' | 'mutation' | 'subscription';
  /** JSON text of the request body up to and including `"variables":{`, so that a body is built by appending text. */
  readonly bodyPrefix: string;
}

/** One request of a plan to one subgraph. */
export interface SubgraphFetch {
  readonly operation: SubgraphOperation;
  /** Raw client values by variable name, without `representations`. May hold `Upload` instances. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** JSON text of the list of entity representations; null for a fetch of root fields. */
  readonly representations: string | null;
  /** Sent as they are; names are lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted when the client goes away or its deadline has passed. */
  readonly signal: AbortSignal;
  /** When the caller stops waiting, on the clock of `performance.now()`; undefined: it waits. */
  readonly endsAtMs?: number | undefined;
  /** The whole body, where somebody on the way has written it already: see `bodyText`. */
  readonly body?: string;
}

/**
 * How the engine reaches one subgraph.
 *
 * Failures of transport reject with a CodedError: SUBGRAPH_UNAVAILABLE, SUBGRAPH_TIMEOUT or SUBGRAPH_ERROR. Its message is safe to show;
 * hosts and causes stay in `cause`. Results belong to the caller, which changes them: never hand out the same object twice.
 */
export interface SubgraphClient {
  fetch(request: SubgraphFetch): Promise<FormattedExecutionResult>;
  /** Resolves with the stream once it is live as far as the transport can tell, or with `errors` when it is refused. */
  subscribe(request: SubgraphFetch): Promise<ResultStream | FormattedExecutionResult>;
  /** Frees connections. Requests in flight are left to finish. */
  close(): Promise<void>;
}

/** JSON text of the whole request body. */
export function bodyText({ operation, variables, representations, body }: SubgraphFetch): string {
  if (body !== undefined) return body;
  const given = JSON.stringify(variables).slice(1, -1);
  const entities = representations === null ? '' : `"representations":${representations}`;
  return `${operation.bodyPrefix}${given}${given && entities && ','}${entities}}}`;
}

/** The variables as a fresh object, representations included. */
export function allVariables({ variables, representations }: SubgraphFetch): Record<string, unknown> {
  if (representations === null) return { ...variables };
  return { ...variables, representations: JSON.parse(representations) };
}
