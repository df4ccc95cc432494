import type { GraphQLFormattedError } from 'graphql';
import { ERROR_STATUS, type ErrorCode } from '#platform/errors.ts';
import { JSON_TYPE } from './media-types.ts';

/** Faults of the GraphQL request itself; with these, plain JSON is answered with 200 (GraphQL over HTTP, application/json). */
const REQUEST_ERRORS = new Set([
  'GRAPHQL_PARSE_FAILED',
  'GRAPHQL_VALIDATION_FAILED',
  'BAD_USER_INPUT',
  'OPERATION_RESOLUTION_FAILURE',
]);

/** The HTTP status of an answer without data. `status` is what Apollo Server makes of it, `accept` the type that was negotiated. */
export function statusOf(
  errors: readonly GraphQLFormattedError[],
  status: number | undefined,
  accept: string | undefined,
): number | undefined {
  const codes = errors.map(({ extensions }) => extensions?.['code'] as ErrorCode | undefined);
  if (accept === JSON_TYPE && codes.every((code) => REQUEST_ERRORS.has(code ?? ''))) return 200;
  // Apollo Server answers 400 to every execution without data, a failure of the server's own included.
  const [first] = codes;
  return first && status === 400 ? (ERROR_STATUS[first] ?? status) : status;
}
