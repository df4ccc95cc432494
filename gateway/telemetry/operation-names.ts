import { getOperationAST, parse } from 'graphql';
import type { GraphQLRequest } from '#platform/subgraph-endpoint.ts';
import { readOperation } from '../fast-path/read-operation.ts';

export interface OperationLabel {
  readonly type: 'query' | 'mutation' | 'subscription';
  readonly name: string | undefined;
}

const MAX_REMEMBERED = 500;
const MAX_REMEMBERED_CHARS = 16_384;

/** What a request asked for: the request itself, or the JSON text that it came as. */
export type Asked = GraphQLRequest | string;

/**
 * Type and name of the operation that a request asked for, for its span and its log line; null where it is none. Looked for only then, because
 * whoever joins a run under way is answered without anybody reading what was asked.
 */
export function createOperationNames(): (asked: Asked) => OperationLabel | null {
  const known = new Map<string, OperationLabel | null>();
  return (asked) => {
    const request = typeof asked === 'string' ? readOperation(asked) : asked;
    if (!request) return null;
    const key = `${request.operationName ?? ''}\n${request.query}`;
    const remembered = known.get(key);
    if (remembered !== undefined) return remembered;
    const label = labelOf(request);
    if (known.size >= MAX_REMEMBERED) known.clear();
    if (key.length <= MAX_REMEMBERED_CHARS) known.set(key, label);
    return label;
  };
}

function labelOf({ query, operationName }: GraphQLRequest): OperationLabel | null {
  try {
    const operation = getOperationAST(parse(query, { noLocation: true, maxTokens: 15_000 }), operationName);
    return operation ? { type: operation.operation, name: operation.name?.value } : null;
  } catch {
    return null;
  }
}
