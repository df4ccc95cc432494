import type { DocumentNode, FormattedExecutionResult, GraphQLFormattedError, GraphQLSchema } from 'graphql';
import type { GraphQLRequest, RequestScope, ResultStream } from '#platform/subgraph-endpoint.ts';
import type { Grants } from './authorization/grants.ts';
import type { Following, Subscriber } from './live/subscriber.ts';
import type { LiveCounts } from './live/upstreams.ts';
import type { CacheCounts, CacheSize } from './operation-cache.ts';

/** What travels beside a client's request. `headers` are sent to every subgraph as they are: the caller decides what is forwarded. */
export interface EngineScope extends RequestScope {
  /** Added to `extensions` of every error, so that a report finds its log lines. */
  readonly correlationId?: string;
  /** When the caller stops waiting, on the clock of `performance.now()`; subgraphs are told what is left of it. */
  readonly endsAtMs?: number;
  /** What headers that renew themselves stand for, by their names: as long as it is the same, so is the caller. */
  readonly renewed?: Readonly<Record<string, string>>;
  /** What the caller may see; without it nobody is signed in. */
  readonly grants?: Grants;
  /** Where a subscription with a log goes on, in place of what the operation says. */
  readonly after?: string;
}

/** One deferred fragment at one place, as of the incremental delivery proposal of 2022-08-24. */
export interface DeferredPayload {
  /** Null where a null bubbled to the top of the fragment. */
  readonly data: Readonly<Record<string, unknown>> | null;
  readonly path: readonly (string | number)[];
  /** The client's own label. */
  readonly label?: string;
  readonly errors?: readonly GraphQLFormattedError[];
}

export interface SubsequentResult {
  readonly incremental: readonly DeferredPayload[];
  readonly hasNext: boolean;
}

/** An answer in parts. Every part comes after the one that holds its place; the last one has `hasNext: false`. */
export interface IncrementalResult {
  /** `hasNext: true` is the transport's to add. */
  readonly initial: FormattedExecutionResult;
  /** To be read to its end, or aborted by `scope.signal`. Never rejects. */
  readonly subsequent: AsyncGenerator<SubsequentResult, void, void>;
}

export function isIncremental(
  result: FormattedExecutionResult | IncrementalResult,
): result is IncrementalResult {
  return 'subsequent' in result;
}

/** Executes operations over a supergraph. Never rejects: every failure is an entry of `errors` with `extensions.code`. */
export interface Engine {
  /** What clients may ask for, as of the supergraph that serves now. Changes with `swap`. */
  readonly apiSchema: GraphQLSchema;
  readonly supergraphSdl: string;
  /**
   * How many mutations have ended. A query that began under another number must not answer one that is asked now: whoever has seen a
   * mutation's answer sees what it changed.
   */
  readonly mutationsEnded: number;

  /** Answers a query or mutation, whole: `@defer` has no effect. The result is the caller's own object, ready for JSON.stringify. */
  execute(request: GraphQLRequest, scope: EngineScope): Promise<FormattedExecutionResult>;
  /** As `execute`, but what `@defer` puts off comes later. An answer in which nothing was put off is a plain result. */
  executeInParts(
    request: GraphQLRequest,
    scope: EngineScope,
  ): Promise<FormattedExecutionResult | IncrementalResult>;
  /** As `execute`; as JSON text where nothing failed, which is cheaper: what a single fetch brought may be handed on unread. */
  executeText(request: GraphQLRequest, scope: EngineScope): Promise<string | FormattedExecutionResult>;
  /** For callers that parsed and validated against `apiSchema` themselves; compiled once per document object. */
  executeDocument(
    document: DocumentNode,
    operationName: string | null | undefined,
    variables: GraphQLRequest['variables'],
    scope: EngineScope,
    /** The `apiSchema` the document was validated against, where a swap may have happened since. */
    schema?: GraphQLSchema,
  ): Promise<FormattedExecutionResult>;
  /** As `executeDocument`, in parts. */
  executeDocumentInParts(
    ...document: Parameters<Engine['executeDocument']>
  ): Promise<FormattedExecutionResult | IncrementalResult>;
  /**
   * Starts a subscription; resolves once it is live, or with `errors` when it is refused. Every event is resolved afresh, in order, and once
   * for all who have asked the same. It ends when the subgraph's does, or where events are lost that no log can give again. The caller stops
   * what it follows; `scope.signal` does not.
   */
  follow(
    request: GraphQLRequest,
    scope: EngineScope,
    subscriber: Subscriber,
  ): Promise<Following | FormattedExecutionResult>;
  /** As `follow`, as a stream, of which nobody changes the results; `return()` or `scope.signal` ends it. The last one may say why it is over. */
  subscribe(request: GraphQLRequest, scope: EngineScope): Promise<ResultStream | FormattedExecutionResult>;
  /**
   * The kind of the operation that would run, for transports that treat kinds apart; null where the request is invalid. `headers` are the
   * scope's, for the request's trace.
   */
  operationKind(
    request: GraphQLRequest,
    headers?: EngineScope['headers'],
  ): 'query' | 'mutation' | 'subscription' | null;

  /** Types and fields, as `Type.field`, that demand anything of whoever asks for them, in order. */
  guarded(): readonly string[];
  /** What subscriptions share now, and how often they went on from their log. */
  liveCounts(): Readonly<LiveCounts>;
  /** How look-ups of prepared operations went so far, and what is kept. */
  operationCache(): Readonly<CacheCounts> & CacheSize;
  /** Operations that were refused because no sound plan was found for them, each once. */
  unsoundPlans(): number;

  /** Serves another supergraph. A bad SDL throws a CodedError and changes nothing; running requests finish on what they began with. */
  swap(supergraphSdl: string): void;
  /** Called with every supergraph that begins to serve after this call. Returns a function that stops it. */
  onSwap(listener: (engine: Engine) => void): () => void;
  /** Closes the subgraph clients. */
  close(): Promise<void>;
}
