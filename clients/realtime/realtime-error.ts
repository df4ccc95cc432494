import type { GraphQLFormattedError } from 'graphql';

/** What may help: the same again after a while, the same with a fresh token, or nothing. */
export type Remedy = 'retry' | 'fresh-token' | 'none';

export interface RealtimeErrorDetails {
  readonly remedy: Remedy;
  /** Close code of the WebSocket, where that is what has failed. */
  readonly closeCode?: number | undefined;
  /** HTTP status, where the request was refused. */
  readonly status?: number | undefined;
  /** What GraphQL says; `extensions.code` is for programs. */
  readonly errors?: readonly GraphQLFormattedError[] | undefined;
  readonly cause?: unknown;
}

/** Why a subscription was interrupted, or is over. */
export class RealtimeError extends Error {
  override readonly name = 'RealtimeError';
  readonly remedy: Remedy;
  readonly closeCode: number | null;
  readonly status: number | null;
  readonly errors: readonly GraphQLFormattedError[];

  constructor(message: string, { cause, ...details }: RealtimeErrorDetails) {
    super(message, { cause });
    this.remedy = details.remedy;
    this.closeCode = details.closeCode ?? null;
    this.status = details.status ?? null;
    this.errors = details.errors ?? [];
  }
}

/** An operation or message that is wrong stays wrong: too long, malformed, another subprotocol, an id in use. */
const FINAL_CLOSE_CODES: ReadonlySet<number> = new Set([1009, 4004, 4400, 4406, 4409]);
const REFUSED_CLOSE_CODES: ReadonlySet<number> = new Set([4401, 4403]);

export function errorOfClose(closeCode: number, reason: string): RealtimeError {
  const kept = FINAL_CLOSE_CODES.has(closeCode) ? 'none' : 'retry';
  const remedy = REFUSED_CLOSE_CODES.has(closeCode) ? 'fresh-token' : kept;
  return new RealtimeError(`The socket was closed with ${closeCode} ${reason}`.trimEnd(), {
    remedy,
    closeCode,
  });
}

/** Codes of failures that pass; see docs/errors.md. */
const PASSING_CODES: ReadonlySet<unknown> = new Set([
  'INTERNAL_SERVER_ERROR',
  'RATE_LIMITED',
  'REQUEST_TIMEOUT',
  'SERVICE_UNAVAILABLE',
  'SLOW_CONSUMER',
  'SUBGRAPH_ERROR',
  'SUBGRAPH_TIMEOUT',
  'SUBGRAPH_UNAVAILABLE',
]);

export function errorOfGraphQL(errors: readonly GraphQLFormattedError[]): RealtimeError {
  const codes = errors.map(({ extensions }) => extensions?.['code']);
  const kept = codes.length > 0 && codes.every((code) => PASSING_CODES.has(code)) ? 'retry' : 'none';
  const remedy = codes.includes('UNAUTHENTICATED') ? 'fresh-token' : kept;
  return new RealtimeError(errors[0]?.message ?? 'The operation failed', { remedy, errors });
}

const REQUEST_TIMEOUT = 408;
const TOO_MANY_REQUESTS = 429;

/** A response that is no event stream. Its status says what may help; the body may say why. */
export function errorOfResponse(status: number, body: string): RealtimeError {
  const passes = status === REQUEST_TIMEOUT || status === TOO_MANY_REQUESTS || status >= 500;
  const kept = passes ? 'retry' : 'none';
  const errors = errorsIn(body);
  const reason = errors[0]?.message ?? '';
  return new RealtimeError(`The server answered ${status} ${reason}`.trimEnd(), {
    remedy: status === 401 ? 'fresh-token' : kept,
    status,
    errors,
  });
}

function errorsIn(body: string): readonly GraphQLFormattedError[] {
  try {
    const { errors }: { errors?: unknown } = Object(JSON.parse(body));
    return Array.isArray(errors) ? errors.filter(isError) : [];
  } catch {
    return [];
  }
}

const isError = (error: unknown): error is GraphQLFormattedError =>
  error instanceof Object && 'message' in error && typeof error.message === 'string';

/** Everything that is no answer of the server: a broken connection, a name that is not found, a token that could not be had. */
export function errorOfConnection(cause: unknown): RealtimeError {
  const message = cause instanceof Error ? cause.message : 'The connection was lost';
  return new RealtimeError(message, { remedy: 'retry', cause });
}
