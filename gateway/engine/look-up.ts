import { GraphQLError, type DocumentNode } from 'graphql';
import type { ERROR_STATUS } from '#platform/errors.ts';
import type { Log } from '#platform/log.ts';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import { isSampled, requestFields } from '#platform/tracing/trace-context.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import type { EngineScope } from './engine.ts';
import type { OperationCache } from './operation-cache.ts';
import type { InvalidOperation, Operation } from './operation.ts';
import type { LabelledOperations } from './override-labels.ts';

interface Lookup {
  readonly operations: LabelledOperations;
  readonly tracing: Tracing | null;
}

export const lookUp = (
  { operations, tracing }: Lookup,
  { query, operationName }: GraphQLRequest,
  scope: EngineScope,
): Operation => {
  const cache = operations.for(scope);
  return spanned(tracing, scope.headers, cache, () => cache.get(query, operationName, scope.grants));
};

export const lookUpDocument = (
  { operations, tracing }: Lookup,
  document: DocumentNode,
  operationName: string | null | undefined,
  scope: EngineScope,
): Operation => {
  const cache = operations.for(scope);
  return spanned(tracing, scope.headers, cache, () =>
    cache.getDocument(document, operationName, scope.grants),
  );
};

export function kindOf(
  { operations: { plain }, tracing }: Lookup,
  { query, operationName }: GraphQLRequest,
  headers: EngineScope['headers'] = {},
) {
  const operation = spanned(tracing, headers, plain, () => plain.kindOf(query, operationName));
  return typeof operation === 'object' ? null : operation;
}

/** Where an operation had to be parsed and planned, and its request is recorded, a span says for how long. */
function spanned<T>(
  tracing: Tracing | null,
  headers: EngineScope['headers'],
  cache: OperationCache,
  find: () => T,
): T | InvalidOperation {
  if (!tracing || !isSampled(headers)) return guarded(find);
  const startTime = nowMs();
  const { misses } = cache.counts;
  const operation = guarded(find);
  if (cache.counts.misses !== misses) tracing.child('plan', headers, { startTime })?.span.end(nowMs());
  return operation;
}

/** Milliseconds since 1970, with fractions. */
const nowMs = () => performance.timeOrigin + performance.now();

/** A fault of ours in preparing one operation is that operation's error. */
export function guarded<T>(prepare: () => T): T | InvalidOperation {
  try {
    return prepare();
  } catch (error) {
    return { errors: [failure('The operation could not be prepared.', error)] };
  }
}

const OUR_FAULT: keyof typeof ERROR_STATUS = 'INTERNAL_SERVER_ERROR';

export function failure(message: string, cause?: unknown): GraphQLError {
  return new GraphQLError(message, {
    originalError: cause instanceof Error ? cause : undefined,
    extensions: { code: OUR_FAULT },
  });
}

/** What kept an operation from being prepared, where that was not the client's doing: it is not told. */
export function logFaults(errors: readonly GraphQLError[], headers: EngineScope['headers'], log: Log): void {
  for (const error of errors)
    if (error.extensions['code'] === OUR_FAULT)
      log.error({ ...requestFields(headers), err: error.originalError ?? error }, 'operation not prepared');
}
