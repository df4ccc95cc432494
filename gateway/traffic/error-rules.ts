import type { FormattedExecutionResult, GraphQLFormattedError } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import { isResultStream, type ResultStream } from '#platform/subgraph-endpoint.ts';
import type { SubgraphClient } from '../engine/client/subgraph-client.ts';
import { createResultStream } from '../engine/result-stream.ts';
import type { SubgraphMetrics } from './metrics.ts';

export interface ErrorRules {
  /** Of the subgraph, for what stands in place of its messages. */
  readonly name: string;
  readonly mask: boolean;
  /** Codes of errors that are shown whole though others are masked. */
  readonly allow: readonly string[];
  readonly metrics: Pick<SubgraphMetrics, 'failed'>;
}

/**
 * Counts what a plan gets to see: errors in answers, and fetches without one after all that was tried. With `mask`, replaces what the subgraph
 * says in its errors, and everything in `extensions` but the code. Messages of the gateway itself, such as those of timeouts, carry
 * nothing internal and stay.
 */
export function withErrorRules(client: SubgraphClient, rules: ErrorRules): SubgraphClient {
  const { mask, metrics } = rules;
  const shown = errorMask(rules);
  const counted = (result: FormattedExecutionResult) => {
    const errors: unknown = result.errors;
    if (Array.isArray(errors)) for (const error of errors) metrics.failed(error?.extensions?.code);
    return shown(result);
  };
  return {
    ...client,
    fetch: (request) =>
      client.fetch(request).then(counted, (error: unknown) => {
        // Callers who went away are no errors of the subgraph.
        if (!request.signal.aborted || request.signal.reason instanceof CodedError)
          metrics.failed(error instanceof CodedError ? error.code : 'SUBGRAPH_ERROR');
        throw error;
      }),
    async subscribe(request) {
      const answer = await client.subscribe(request);
      if (!mask || !isResultStream(answer)) return isResultStream(answer) ? answer : shown(answer);
      return mapped(answer, shown, request.signal);
    },
  };
}

export type Present = (result: FormattedExecutionResult) => FormattedExecutionResult;

/** How a result of the subgraph is shown to the plan. */
export function errorMask({ name, mask, allow }: Pick<ErrorRules, 'name' | 'mask' | 'allow'>): Present {
  const allowed = new Set(allow);
  return (result) => {
    // Whatever a subgraph put there; the engine checks it later.
    const errors: unknown = result.errors;
    if (!mask || errors === undefined || errors === null) return result;
    const list: unknown[] = Array.isArray(errors) ? errors : [errors];
    return { ...result, errors: list.map((error) => masked(error, name, allowed)) };
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

function mapped(stream: ResultStream, map: Present, signal: AbortSignal): ResultStream {
  const next = async (): Promise<IteratorResult<FormattedExecutionResult, void>> => {
    const { value, done } = await stream.next();
    return done ? { value: undefined, done } : { value: map(value) };
  };
  return createResultStream(next, async () => void (await stream.return()), signal);
}
