import type { FormattedExecutionResult } from 'graphql';

/** What a subgraph says when it cannot answer now; anything else it would say again. */
const PASSING = new Set([
  ...['INTERNAL_SERVER_ERROR', 'SERVICE_UNAVAILABLE', 'RATE_LIMITED', 'REQUEST_TIMEOUT'],
  ...['SUBGRAPH_ERROR', 'SUBGRAPH_TIMEOUT', 'SUBGRAPH_UNAVAILABLE'],
]);

/** Whether asking again may help against these errors. */
export function isPassing({ errors = [] }: Pick<FormattedExecutionResult, 'errors'>): boolean {
  // Whatever a subgraph put there; the engine checks it later.
  const list: unknown = errors;
  return Array.isArray(list) && list.some((error) => PASSING.has(String(error?.extensions?.code)));
}
