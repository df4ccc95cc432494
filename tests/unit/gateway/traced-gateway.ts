import { createLog, type Log } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serveSubgraph } from '#platform/serve-subgraph.ts';
import { withEndpointSpans } from '#platform/tracing/endpoint-spans.ts';
import { createOtlpTracing, type OtlpTracingOptions } from '#platform/tracing/otlp-tracing.ts';
import { createHttpClient } from '../../../gateway/engine/client/http.ts';
import { createWebSocketClient } from '../../../gateway/engine/client/websocket.ts';
import { serveTestGateway, type ServedGateway } from '../../support/federation/served-gateway.ts';
import {
  composeSupergraph,
  createTestEndpoint,
  type TestSubgraphs,
} from '../../support/federation/supergraph.ts';
import { startOtlpCollector, type OtlpCollector } from '../../support/otlp-collector.ts';

export interface TracedGateway extends Pick<ServedGateway, 'url'> {
  readonly collector: OtlpCollector;
  /** What each request to a subgraph said about its trace, in order of arrival. */
  readonly received: { readonly subgraph: string; readonly traceparent: string | undefined }[];
  /** Ends gateway and subgraphs in order: all that they recorded has been sent when it resolves. */
  close(): Promise<void>;
}

export interface TracedOptions extends Partial<Pick<OtlpTracingOptions, 'sampler' | 'ratio' | 'url'>> {
  readonly subgraphs: TestSubgraphs;
  readonly env?: NodeJS.ProcessEnv;
  /** Of the gateway; default: a silent one. */
  readonly log?: Log;
}

/** A gateway and its subgraphs, each on a listener of its own, and the collector that they all send their spans to. */
export async function startTracedGateway(options: TracedOptions): Promise<TracedGateway> {
  const { subgraphs, sampler = 'parentbased_always_on', ratio = 1, env = {} } = options;
  const log = createLog('test', 'silent');
  const collector = await startOtlpCollector();
  const tracingOf = (service: string, own: Log) => {
    const url = options.url ?? `${collector.url}/v1/traces`;
    return createOtlpTracing({ url, service, sampler, ratio, log: own });
  };
  const received: TracedGateway['received'] = [];
  const running = await Promise.all(
    Object.entries(subgraphs).map(async ([subgraph, given]) => {
      const tracing = tracingOf(subgraph, log);
      const endpoint = withEndpointSpans(createTestEndpoint(given), subgraph, tracing);
      const seen = ({ headers }: { headers: Readonly<Record<string, string>> }) =>
        void received.push({ subgraph, traceparent: headers['traceparent'] });
      const listener = await serveSubgraph({
        endpoint: {
          execute: (request, scope) => (seen(scope), endpoint.execute(request, scope)),
          subscribe: (request, scope) => (seen(scope), endpoint.subscribe(request, scope)),
        },
        ...{ host: '127.0.0.1', port: 0, checks: {}, metrics: createMetrics(subgraph), log },
      });
      return { subgraph, tracing, listener };
    }),
  );
  const tracing = tracingOf('gateway', options.log ?? log);
  const gateway = await serveTestGateway({
    supergraphSdl: composeSupergraph(subgraphs),
    connect: (name) => {
      const port = running.find(({ subgraph }) => subgraph === name)?.listener.port;
      const url = `http://127.0.0.1:${port}/graphql`;
      return createHttpClient({ name, url, subscriptions: createWebSocketClient({ name, url }) });
    },
    env,
    tracing,
    log: options.log ?? log,
  });
  const close = async () => {
    await gateway.close();
    await Promise.all(running.map(({ listener }) => listener.close(0)));
    await Promise.all([tracing, ...running.map((one) => one.tracing)].map((one) => one.close()));
    await collector.close();
  };
  return { url: gateway.url, collector, received, close };
}
