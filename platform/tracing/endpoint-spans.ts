import { SpanStatusCode } from '@opentelemetry/api';
import type { FormattedExecutionResult } from 'graphql';
import {
  isResultStream,
  type GraphQLRequest,
  type RequestScope,
  type ResultStream,
  type SubgraphEndpoint,
} from '#platform/subgraph-endpoint.ts';
import { runTraced } from './traced-work.ts';
import type { Tracing } from './tracing.ts';

/**
 * A SERVER span for every operation whose caller records it, whichever transport it came by; a subscription's ends when it is live. The
 * document and its variables stay out of it.
 */
export function withEndpointSpans(
  endpoint: SubgraphEndpoint,
  subgraph: string,
  tracing: Tracing,
): SubgraphEndpoint {
  const recorded = async <T extends FormattedExecutionResult | ResultStream>(
    request: GraphQLRequest,
    { headers }: RequestScope,
    run: () => Promise<T>,
  ): Promise<T> => {
    const type = typeOf(request.query);
    const trace = tracing.receive(type, headers);
    const { span } = trace;
    if (!span) return run();
    span.setAttributes({
      'veza.subgraph': subgraph,
      'veza.correlation_id': headers['x-correlation-id'],
      'graphql.operation.type': type,
      'graphql.operation.name': request.operationName ?? undefined,
    });
    // An endpoint never rejects.
    const answer = await runTraced({ tracing, headers: trace.headers }, run);
    if (!isResultStream(answer) && answer.errors) {
      span.setAttribute('error.type', codeOf(answer));
      span.setStatus({ code: SpanStatusCode.ERROR });
    }
    span.end();
    return answer;
  };
  return {
    execute: (request, scope) => recorded(request, scope, () => endpoint.execute(request, scope)),
    subscribe: (request, scope) => recorded(request, scope, () => endpoint.subscribe(request, scope)),
  };
}

/** Gateways send one operation per document, and name its type first. */
const typeOf = (query: string) => /^\s*(query|mutation|subscription)\b/.exec(query)?.[1] ?? 'query';

const codeOf = ({ errors = [] }: FormattedExecutionResult) =>
  String(errors[0]?.extensions?.['code'] ?? 'INTERNAL_SERVER_ERROR');
