import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { isResultStream, type ResultStream } from '#platform/subgraph-endpoint.ts';
import type { SubgraphClient } from '../engine/client/subgraph-client.ts';
import { createResultStream } from '../engine/result-stream.ts';

/**
 * Replaces what a subgraph says in its errors, and everything in `extensions` but the code. Errors whose code is one of `allowedCodes`
 * pass as they are. Messages of the gateway itself, such as those of timeouts, carry nothing internal and stay.
 */
export function withMaskedErrors(
  client: SubgraphClient,
  name: string,
  allowedCodes: readonly string[],
): SubgraphClient {
  const allowed = new Set(allowedCodes);
  const mask = (result: FormattedExecutionResult): FormattedExecutionResult => {
    const { errors } = result;
    if (errors === undefined || errors === null) return result;
    const list: unknown[] = Array.isArray(errors) ? errors : [errors];
    return { ...result, errors: list.map((error) => masked(error, name, allowed)) };
  };
  return {
    ...client,
    fetch: async (request) => mask(await client.fetch(request)),
    async subscribe(request) {
      const answer = await client.subscribe(request);
      return isResultStream(answer) ? mapped(answer, mask, request.signal) : mask(answer);
    },
  };
}

function masked(error: unknown, name: string, allowed: ReadonlySet<string>): GraphQLFormattedError {
  const { extensions, path } = (error ?? {}) as Partial<GraphQLFormattedError>;
  const code = extensions?.['code'];
  if (typeof code === 'string' && allowed.has(code)) return error as GraphQLFormattedError;
  return {
    message: `The subgraph ${name} answered with an error.`,
    ...(path && { path }),
    ...(typeof code === 'string' && { extensions: { code } }),
  };
}

function mapped(
  stream: ResultStream,
  map: (result: FormattedExecutionResult) => FormattedExecutionResult,
  signal: AbortSignal,
): ResultStream {
  const next = async (): Promise<IteratorResult<FormattedExecutionResult, void>> => {
    const { value, done } = await stream.next();
    return done ? { value: undefined, done } : { value: map(value) };
  };
  return createResultStream(next, async () => void (await stream.return()), signal);
}
