import { SpanKind, SpanStatusCode, type Span } from '@opentelemetry/api';
import type { FormattedExecutionResult } from 'graphql';
import { CodedError } from '#platform/errors.ts';
import { isResultStream, type ResultStream } from '#platform/subgraph-endpoint.ts';
import { withTraceHeaders } from '#platform/tracing/trace-context.ts';
import type { RecordedTrace, Tracing } from '#platform/tracing/tracing.ts';
import type { SubgraphClient, SubgraphFetch } from '../engine/client/subgraph-client.ts';

/**
 * A span for every fetch whose request is recorded, from a plan's question to the answer that it gets: waiting, retries and all. It hangs below
 * the position that the fetch's own headers name, and the subgraph is told of the span in its place. Outermost, so that header rules see
 * what is sent. Other fetches pass as they are.
 */
export function withSpans(client: SubgraphClient, name: string, tracing: Tracing | null): SubgraphClient {
  if (!tracing) return client;
  const begin = (verb: string, { headers, operation }: SubgraphFetch) =>
    tracing.child(`${verb} ${name}`, headers, {
      kind: SpanKind.CLIENT,
      attributes: {
        'veza.subgraph': name,
        'graphql.operation.type': operation.kind,
        'graphql.operation.name': operation.operationName,
      },
    });
  return {
    ...client,
    fetch(request) {
      const trace = begin('fetch', request);
      return trace ? recorded(trace, () => client.fetch(within(request, trace))) : client.fetch(request);
    },
    subscribe(request) {
      const trace = begin('subscribe', request);
      return trace
        ? recorded(trace, () => client.subscribe(within(request, trace)))
        : client.subscribe(request);
    },
  };
}

const within = (request: SubgraphFetch, { headers, span }: RecordedTrace): SubgraphFetch => ({
  ...request,
  headers: withTraceHeaders(request.headers, headers),
  span,
});

async function recorded<T extends ResultStream | FormattedExecutionResult>(
  { span }: RecordedTrace,
  run: () => Promise<T>,
): Promise<T> {
  try {
    const answer = await run();
    if (!isResultStream(answer)) noteErrors(span, answer.errors);
    return answer;
  } catch (error) {
    fail(span, error instanceof CodedError ? error.code : 'SUBGRAPH_ERROR');
    throw error;
  } finally {
    span.end();
  }
}

/** Whatever a subgraph put there; the engine checks it later. */
function noteErrors(span: Span, errors: unknown): void {
  if (!Array.isArray(errors) || errors.length === 0) return;
  const [first]: { extensions?: { code?: unknown } }[] = errors;
  const code = first?.extensions?.code;
  span.setAttribute('veza.error.count', errors.length);
  fail(span, typeof code === 'string' ? code : 'SUBGRAPH_ERROR');
}

function fail(span: Span, code: string): void {
  span.setAttribute('error.type', code);
  span.setStatus({ code: SpanStatusCode.ERROR });
}
