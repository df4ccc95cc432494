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
