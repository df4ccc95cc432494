import type { Log } from '#platform/log.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import type { SubgraphClient } from '../client/subgraph-client.ts';

export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export type ResponsePath = readonly (string | number)[];

/** An entry of `errors`. Its path uses the names under which fields travel until the result is finished. */
export interface ResponseError {
  readonly message: string;
  readonly path?: ResponsePath;
  readonly extensions: JsonObject;
}

/** One run of one plan. `data` and `errors` grow while it runs, and belong to this run alone. */
export interface Execution {
  /** The client's raw values by the client's names, with defaults filled in where a condition needs them. */
  readonly variables: JsonObject;
  readonly data: JsonObject;
  readonly errors: ResponseError[];
  readonly clients: ReadonlyMap<string, SubgraphClient>;
  readonly headers: Readonly<Record<string, string>>;
  readonly signal: AbortSignal;
  /** See EngineScope. */
  readonly endsAtMs: number | undefined;
  readonly log: Log;
  readonly tracing: Tracing | null;
  /** Only where the answer may be the text of the one fetch of its plan, which is then kept here and nothing in `data`. */
  readonly passThrough?: { text: string | null } | undefined;
  /** Only where parts of the answer are delivered later. */
  readonly deferral?: Deferral;
  /** Settles when all parts that this one was deferred from are through. */
  readonly enclosing?: Promise<unknown>;
  /** Errors of the parts that this one was deferred from. */
  readonly earlierErrors?: readonly ResponseError[];
}

/** Keeps the books of what runs after the first answer. */
export interface Deferral {
  /** Resolves when the plan's fetch of that id was answered. */
  fetched(id: string): PromiseWithResolvers<void>;
  /** Takes over a deferred part that has begun to run; `done` resolves with its errors and never rejects. */
  add(label: string, done: Promise<readonly ResponseError[]>): void;
}

/** A compiled plan node. Returns nothing where it had nothing to wait for. Never rejects for what a subgraph did. */
export type Run = (execution: Execution) => Promise<void> | void;
