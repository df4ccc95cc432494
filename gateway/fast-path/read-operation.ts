import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';

/**
 * The operation of a JSON body, where it is one and nothing else; null for what Apollo Server is to look at: malformed requests, batches,
 * persisted queries.
 */
export function readOperation(text: string): GraphQLRequest | null {
  const body = parse(text);
  if (!isRecord(body)) return null;
  const { query, operationName = null, variables = null, extensions = null } = body;
  if (typeof query !== 'string' || query === '') return null;
  // An empty name is no name to the engine, but names no operation to Apollo Server.
  if (operationName !== null && (typeof operationName !== 'string' || operationName === '')) return null;
  if (variables !== null && !isRecord(variables)) return null;
  if (extensions !== null && (!isRecord(extensions) || 'persistedQuery' in extensions)) return null;
  return { query, operationName, variables };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
