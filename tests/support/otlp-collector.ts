import { once } from 'node:events';
import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { z } from 'zod';

const value = z.union([
  z.object({ stringValue: z.string() }).transform((given) => given.stringValue),
  z.object({ intValue: z.number() }).transform((given) => given.intValue),
  z.object({ boolValue: z.boolean() }).transform((given) => given.boolValue),
  z.object({ arrayValue: z.object({ values: z.array(z.unknown()) }) }).transform(() => 'list'),
]);
const attributes = z
  .array(z.object({ key: z.string(), value }))
  .transform((list) => Object.fromEntries(list.map((one) => [one.key, one.value])));
const span = z.object({
  traceId: z.string(),
  spanId: z.string(),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  attributes,
  links: z.array(z.object({ traceId: z.string(), spanId: z.string() })).default([]),
  status: z.object({ code: z.number() }),
});
const exported = z.object({
  resourceSpans: z.array(
    z.object({
      resource: z.object({ attributes }),
      scopeSpans: z.array(z.object({ spans: z.array(span) })),
    }),
  ),
});

/** A span as it arrived, with the `service.name` of its process. */
export interface ReceivedSpan extends z.output<typeof span> {
  readonly service: unknown;
}

export interface OtlpCollector {
  /** Base address, as OTEL_EXPORTER_OTLP_ENDPOINT takes it. */
  readonly url: string;
  /** In order of their arrival. */
  readonly spans: ReceivedSpan[];
  /** The only span of that name; throws where there is none, or another. */
  one(name: string): ReceivedSpan;
  close(): Promise<void>;
}

/** Takes traces by OTLP over HTTP as JSON, on a free port. */
export async function startOtlpCollector(): Promise<OtlpCollector> {
  const spans: ReceivedSpan[] = [];
  const server = createServer((request, response) => {
    void receive(request, spans).finally(() =>
      response.writeHead(request.url === '/v1/traces' ? 200 : 404).end('{}'),
    );
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    spans,
    one(name) {
      const [found, ...others] = spans.filter((one) => one.name === name);
      if (!found || others.length > 0)
        throw new Error(`Not one ${name} among ${spans.map((one) => one.name).join(', ')}.`);
      return found;
    },
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

async function receive(request: IncomingMessage, spans: ReceivedSpan[]): Promise<void> {
  const { resourceSpans } = exported.parse(JSON.parse(await text(request)));
  for (const { resource, scopeSpans } of resourceSpans) {
    const service = resource.attributes['service.name'];
    for (const scope of scopeSpans) spans.push(...scope.spans.map((one) => ({ ...one, service })));
  }
}
