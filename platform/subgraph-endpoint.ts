import type { FormattedExecutionResult } from 'graphql';

/** What a GraphQL client sends. `variables` may hold `Upload` promises where the transport carries files. */
export interface GraphQLRequest {
  readonly query: string;
  readonly operationName?: string | null;
  readonly variables?: Readonly<Record<string, unknown>> | null;
  readonly extensions?: Readonly<Record<string, unknown>> | null;
}

/** What travels beside a request. Header names are lower case. */
export interface RequestScope {
  readonly headers: Readonly<Record<string, string>>;
  /** Aborted when the caller goes away or its deadline has passed. */
  readonly signal: AbortSignal;
  /** Called where a subscription to a log starts: behind `cursor`, before its first event. */
  readonly onStart?: (cursor: string) => void;
}

/** A live stream of results; `return()` ends it and frees what it holds. */
export type ResultStream = AsyncGenerator<FormattedExecutionResult, void, void>;

/**
 * A subgraph as its callers see it. HTTP and WebSocket serve exactly this, and the all-in-one process calls it
 * directly, so both run the same code.
 */
export interface SubgraphEndpoint {
  /**
   * Answers a query or mutation, or a poll of a subscription (polling/poll-protocol.ts). Never rejects: failures are `errors` of the result. The
   * caller owns the result.
   */
  execute(request: GraphQLRequest, scope: RequestScope): Promise<FormattedExecutionResult>;
  /** Starts a subscription; resolves once it is live, with the stream, or with `errors` when it is refused. */
  subscribe(request: GraphQLRequest, scope: RequestScope): Promise<ResultStream | FormattedExecutionResult>;
}

export function isResultStream(value: ResultStream | FormattedExecutionResult): value is ResultStream {
  return Symbol.asyncIterator in value;
}
