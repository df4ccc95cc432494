/**
 * The closed list of error codes. A code is the stable contract of an error, its message is not.
 * `status` is the HTTP status a plain HTTP route answers with; inside GraphQL the code travels in `extensions.code`.
 * docs/errors.md explains every code, and a test compares the two lists.
 */
export const ERROR_STATUS = {
  BAD_REQUEST: 400,
  BAD_USER_INPUT: 400,
  GRAPHQL_PARSE_FAILED: 400,
  GRAPHQL_VALIDATION_FAILED: 400,
  OPERATION_RESOLUTION_FAILURE: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  UNAUTHORIZED_FIELD_OR_TYPE: 403,
  NOT_FOUND: 404,
  PERSISTED_QUERY_NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  NOT_ACCEPTABLE: 406,
  REQUEST_TIMEOUT: 408,
  CONFLICT: 409,
  PAYLOAD_TOO_LARGE: 413,
  URI_TOO_LONG: 414,
  UNSUPPORTED_MEDIA_TYPE: 415,
  RATE_LIMITED: 429,
  INTERNAL_SERVER_ERROR: 500,
  PLAN_UNSOUND: 500,
  SUBGRAPH_ERROR: 502,
  SUBGRAPH_UNAVAILABLE: 502,
  SERVICE_UNAVAILABLE: 503,
  SLOW_CONSUMER: 503,
  SUBGRAPH_TIMEOUT: 504,
} as const;

export type ErrorCode = keyof typeof ERROR_STATUS;

/** An error that may be shown to a caller as it is: its message carries nothing internal. */
export class CodedError extends Error {
  readonly code: ErrorCode;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(
    code: ErrorCode,
    message: string,
    details: Readonly<Record<string, unknown>> = {},
    cause?: unknown,
  ) {
    super(message, { cause });
    this.name = 'CodedError';
    this.code = code;
    this.details = details;
  }
}

/** One expected failure of a mutation, in the shape of the GraphQL interface `UserError`. */
export interface UserErrorData {
  /** Name of the concrete GraphQL type, for example `ValidationError`. */
  readonly __typename: string;
  readonly message: string;
  /** Path into the arguments, for example `['input', 'content']`; null when no single field is at fault. */
  readonly field: readonly string[] | null;
  readonly [extra: string]: unknown;
}

/**
 * What domain rules and services throw when they decline a request that its author can mend.
 * A mutation returns it as `userErrors`, a query as a top-level error with the matching code.
 */
export class Refusal extends Error {
  readonly errors: readonly [UserErrorData, ...UserErrorData[]];

  constructor(first: UserErrorData, ...others: UserErrorData[]) {
    super(first.message);
    this.name = 'Refusal';
    this.errors = [first, ...others];
  }

  /** Code of the top-level error that a query answers with. */
  get code(): ErrorCode {
    return REFUSAL_CODES[this.errors[0].__typename] ?? 'BAD_USER_INPUT';
  }
}

const REFUSAL_CODES: Readonly<Record<string, ErrorCode>> = {
  ValidationError: 'BAD_USER_INPUT',
  NotFoundError: 'NOT_FOUND',
  ForbiddenError: 'FORBIDDEN',
  ConflictError: 'CONFLICT',
  RateLimitedError: 'RATE_LIMITED',
};

type Field = string | readonly string[] | null;

const fieldPath = (field: Field): readonly string[] | null =>
  typeof field === 'string' ? field.split('.') : field;

/** `field` is a path such as `'input.content'`; `rule` names the broken rule in SCREAMING_SNAKE, for example `TOO_LONG`. */
export function invalid(field: Field, rule: string, message: string): UserErrorData {
  return { __typename: 'ValidationError', message, field: fieldPath(field), rule };
}

export function notFound(field: Field, id: string | null, message: string): UserErrorData {
  return { __typename: 'NotFoundError', message, field: fieldPath(field), id };
}

export function forbidden(
  message: string,
  requiredPermission: string | null = null,
  field: Field = null,
): UserErrorData {
  return { __typename: 'ForbiddenError', message, field: fieldPath(field), requiredPermission };
}

export function conflict(
  message: string,
  currentVersion: number | null = null,
  field: Field = null,
): UserErrorData {
  return { __typename: 'ConflictError', message, field: fieldPath(field), currentVersion };
}

export function rateLimited(message: string, retryAfterMs: number, field: Field = null): UserErrorData {
  return { __typename: 'RateLimitedError', message, field: fieldPath(field), retryAfterMs };
}

/** Throws one Refusal that carries every given error; does nothing when there is none. */
export function refuseIfAny(errors: readonly UserErrorData[]): void {
  const [first, ...others] = errors;
  if (first) throw new Refusal(first, ...others);
}

/** For lists of problems: the message of anything that was thrown, never empty. */
export function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  // A refused connection to a name with several addresses has a code, but no message.
  return error.message || ('code' in error ? String(error.code) : error.name);
}
