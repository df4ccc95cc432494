import { CodedError } from '#platform/errors.ts';

/** The operation that an address carries, not yet checked. Throws BAD_REQUEST where a part is not JSON. */
export function readSearchParameters({ searchParams }: URL): Record<string, unknown> {
  const json = (name: string): unknown => {
    const text = searchParams.get(name);
    if (text === null || text === '') return null;
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new CodedError('BAD_REQUEST', `The parameter ${name} is not valid JSON.`, {}, error);
    }
  };
  return {
    query: searchParams.get('query'),
    operationName: searchParams.get('operationName') || null,
    variables: json('variables'),
    extensions: json('extensions'),
  };
}

const NULLABLE = ['variables', 'extensions'];

/** The query of an address without what is null: that is as if it were not there (GraphQL over HTTP, Request Parameters), but not to Apollo Server. */
export function searchOf({ search, searchParams }: URL): string {
  const nulls = NULLABLE.filter((name) => searchParams.get(name) === 'null');
  if (nulls.length === 0) return search;
  const rest = new URLSearchParams(search);
  for (const name of nulls) rest.delete(name);
  return `?${rest}`;
}
