import type { Span } from '@opentelemetry/api';
import type { FormattedExecutionResult } from 'graphql';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';

/** The part of a subgraph request that is the same for every execution of a plan. */
export interface SubgraphOperation {
  readonly query: string;
  readonly operationName: string | undefined;
  readonly kind: 'query' | 'mutation' | 'subscription';
  /** JSON text of the request body up to and including `"variables":{`, so that a body is built by appending text. ASCII only. */
  readonly bodyPrefix: string;
  /** What the schema says of a subscription's root field; undefined for other operations. */
  readonly event?: EventField | undefined;
}

export interface EventField {
  /** Name of the type of the events. */
  readonly type: string;
  /** Values of arguments that are not given. */
  readonly defaults: Readonly<Record<string, unknown>>;
}

/** What a plan or a caller asks of a subgraph, made ready to be sent many times. */
export function subgraphOperation(
  query: string,
  operationName: string | undefined,
  kind: SubgraphOperation['kind'],
): SubgraphOperation {
  const name = operationName ? `,"operationName":${JSON.stringify(operationName)}` : '';
  const bodyPrefix = escaped(`{"query":${JSON.stringify(query)}${name},"variables":{`);
  return { query, operationName, kind, bodyPrefix };
}

/** Without a character of more than one byte: the length of the text is its size. */
const escaped = (json: string) =>
  json.replace(/[\u0080-\uffff]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** One request of a plan to one subgraph. */
export interface SubgraphFetch {
  readonly operation: SubgraphOperation;
  /** Raw client values by variable name, without `representations`. May hold `Upload` instances. */
  readonly variables: Readonly<Record<string, unknown>>;
  /** JSON text of each entity representation; null for a fetch of root fields. */
  readonly representations: readonly string[] | null;
  /** The request's own, as JSON; never of a query, since equal queries are sent once. */
  readonly extensions?: Readonly<Record<string, unknown>>;
  /** Sent as they are; names are lower case. */
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted when the client goes away or its deadline has passed. */
  readonly signal: AbortSignal;
  /** Where the request is recorded, for what becomes known on the way. */
  readonly span?: Span;
  /** When the caller stops waiting, on the clock of `performance.now()`; undefined: it waits. */
  readonly endsAtMs?: number | undefined;
  /** Called with the position behind which a subscription to a log starts, before its first event, where the subgraph tells it. */
  readonly onStart?: (cursor: string) => void;
  /** An answer of nothing but data may stay unread: see SubgraphAnswer. */
  readonly asText?: boolean;
  /** What stands in the body behind the operation's prefix, where somebody on the way has written it already: see `bodyRest`. */
  readonly bodyRest?: string;
}

/** What a subgraph answered. */
export interface SubgraphAnswer extends FormattedExecutionResult {
  /** The whole answer as JSON text in place of everything else, where it was asked for as text and is one object of data without errors. */
  readonly text?: string;
}

/**
 * How the engine reaches one subgraph.
 *
 * Failures of transport reject with a CodedError: SUBGRAPH_UNAVAILABLE, SUBGRAPH_TIMEOUT or SUBGRAPH_ERROR. Its message is safe to show;
 * hosts and causes stay in `cause`. Results belong to the caller, which changes them: never hand out the same object twice.
 */
export interface SubgraphClient {
  fetch(request: SubgraphFetch): Promise<SubgraphAnswer>;
  /** Resolves with the stream once it is live as far as the transport can tell, or with `errors` when it is refused. */
  subscribe(request: SubgraphFetch): Promise<ResultStream | FormattedExecutionResult>;
  /** Frees connections. Requests in flight are left to finish. */
  close(): Promise<void>;
}

/** JSON text of the request body behind the operation's prefix. */
export function bodyRest(request: SubgraphFetch): string {
  const { variables, representations, extensions, bodyRest: written } = request;
  if (written !== undefined) return written;
  const given = JSON.stringify(variables).slice(1, -1);
  const entities = representations === null ? '' : `"representations":${listText(representations)}`;
  const end = extensions ? `},"extensions":${JSON.stringify(extensions)}}` : '}}';
  return `${given}${given && entities && ','}${entities}${end}`;
}

/** JSON text of the whole request body. */
export const bodyText = (request: SubgraphFetch): string => request.operation.bodyPrefix + bodyRest(request);

/** The variables as a fresh object, representations included. */
export function allVariables({ variables, representations }: SubgraphFetch): Record<string, unknown> {
  if (representations === null) return { ...variables };
  return { ...variables, representations: JSON.parse(listText(representations)) };
}

const listText = (representations: readonly string[]) => `[${representations.join(',')}]`;
