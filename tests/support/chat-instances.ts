import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { readEnvironment } from '#platform/environment.ts';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import { redisLiveBus } from '#platform/events/live-bus-redis.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { createFileStore } from '#platform/files/file-store.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serveSubgraph } from '#platform/serve-subgraph.ts';
import { isResultStream, type ResultStream } from '#platform/subgraph-endpoint.ts';
import { openSubgraph, type OpenSubgraph } from '#platform/subgraph-process.ts';
import { signViewer, VIEWER_HEADER } from '#platform/viewer.ts';
import { parseConfig } from '../../gateway/config.ts';
import { createConfiguredGateway } from '../../gateway/configured-gateway.ts';
import { gatewayEnvironment } from '../../gateway/environment.ts';
import { connectOverHttp } from '../../gateway/subgraph-clients.ts';
import { chatSubgraph } from '../../subgraphs/chat/subgraph.ts';
import { createTestDatabase } from './databases.ts';
import { silentLog } from './events.ts';
import { CHECKOUT } from './platform-process.ts';
import { startRoundRobin, type RoundRobin } from './round-robin.ts';
import { services } from './services.ts';
import { TEST_SECRET } from './subgraphs.ts';

export interface ChatInstance {
  readonly open: OpenSubgraph;
  /** Of its endpoint over HTTP; 0 while it is stopped. */
  readonly port: number;
  /** Stops serving, at once. */
  stop(): Promise<void>;
  serve(): Promise<void>;
}

export interface TestGatewayOfChat {
  subscribe(userId: string | null, query: string, variables: Record<string, unknown>): Promise<ResultStream>;
  close(): Promise<void>;
}

/** Instances of the chat subgraph on one database, behind a balancer, with Redis between them and gateways. */
export interface ChatInstances {
  readonly instances: readonly ChatInstance[];
  readonly balancer: RoundRobin;
  /** Channel of a live topic at Redis. */
  channelOf(topic: string): string;
  /** A gateway over the balancer. `pollMs` is long unless given, so that what comes sooner came by live messages. */
  gateway(options?: { pollMs?: number; redisUrl?: string }): Promise<TestGatewayOfChat>;
  /** Runs a mutation that must succeed at one of the instances, whether it is served or not, and returns its payload. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
  run(instance: number, userId: string, query: string, variables: Record<string, unknown>): Promise<any>;
  close(): Promise<void>;
}

const HOST = '127.0.0.1';

export async function startChatInstances(count: number): Promise<ChatInstances> {
  const stack = new AsyncDisposableStack();
  const database = await createTestDatabase();
  stack.defer(() => database.drop());
  const namespace = `test-${randomUUID()}`;
  const busAt = (url: string) => redisLiveBus({ url, log: silentLog, namespace });
  const instances: ChatInstance[] = [];
  // One after the other: the first makes the tables.
  for (let index = 0; index < count; index++)
    instances.push(await startInstance(database.url, await busAt(services.redisUrl ?? ''), stack));
  const balancer = await startRoundRobin(instances.map(({ port }) => port));
  stack.defer(() => balancer.close());
  const gateways = new Set<TestGatewayOfChat>();
  return {
    instances,
    balancer,
    channelOf: (topic) => `${namespace}:live:${topic}`,
    async gateway({ pollMs = 60_000, redisUrl = services.redisUrl ?? '' } = {}) {
      const gateway = await startGateway(balancer.url, await busAt(redisUrl), pollMs);
      gateways.add(gateway);
      return gateway;
    },
    async run(instance, userId, query, variables) {
      const { open } = instances[instance] ?? {};
      const scope = { headers: headersOf(userId), signal: new AbortController().signal };
      const result = await open?.subgraph.endpoint.execute({ query, variables }, scope);
      const [payload] = Object.values(result?.data ?? {}).map(Object);
      if (!payload || payload.userErrors.length > 0)
        throw new Error(`The mutation failed: ${JSON.stringify(result)}`);
      return payload;
    },
    async close() {
      for (const gateway of gateways) await gateway.close();
      await stack.disposeAsync();
    },
  };
}

async function startInstance(
  databaseUrl: string,
  liveBus: LiveBus,
  stack: AsyncDisposableStack,
): Promise<ChatInstance> {
  stack.defer(() => liveBus.close());
  const durableBus = memoryDurableBus();
  const files = await createFileStore({
    kind: 'disk',
    folder: '/nonexistent',
    publicUrl: 'http://localhost',
    secret: TEST_SECRET,
  });
  const metrics = createMetrics('chat');
  const deps = { databaseUrl, durableBus, liveBus, files, secret: TEST_SECRET, log: silentLog, metrics };
  const open = await openSubgraph(chatSubgraph(), deps);
  stack.defer(() => open.close());
  await open.startConsuming();
  const { endpoint } = open.subgraph;
  const listen = (port: number) =>
    serveSubgraph({ endpoint, host: HOST, port, checks: {}, metrics, log: silentLog });
  let listener = await listen(0);
  const { port } = listener;
  let isServing = true;
  const stop = async () => {
    if (!isServing) return;
    isServing = false;
    await listener.close(0);
  };
  stack.defer(stop);
  return {
    open,
    port,
    stop,
    async serve() {
      if (!isServing) listener = await listen(port);
      isServing = true;
    },
  };
}

/** Without the breaker, whose pauses of seconds are tested elsewhere. */
const config = (pollMs: number) => `
subgraphs:
  chat:
    subscriptions: { upstream: polls, pollMs: ${pollMs} }
    breaker: { enabled: false }
    headers: { forward: [x-anything] }
`;

async function startGateway(url: string, liveBus: LiveBus, pollMs: number): Promise<TestGatewayOfChat> {
  const parsed = parseConfig(config(pollMs), 'test.yaml');
  const { gateway } = await createConfiguredGateway({
    variables: readEnvironment(gatewayEnvironment, { EXPLORER: 'off' }),
    config: parsed,
    supergraphSdl: readFileSync(join(CHECKOUT, 'schema/supergraph.graphql'), 'utf8'),
    connect: connectOverHttp(parsed, () => `${url}/graphql`),
    auth: null,
    events: { liveBus, channels: null, secret: TEST_SECRET },
    log: silentLog,
    metrics: createMetrics('gateway'),
  });
  return {
    async subscribe(userId, query, variables) {
      const scope = { headers: headersOf(userId), signal: new AbortController().signal };
      const stream = await gateway.engine.subscribe({ query, variables }, scope);
      if (!isResultStream(stream))
        throw new Error(`The subscription was refused: ${JSON.stringify(stream.errors)}`);
      return stream;
    },
    async close() {
      await gateway.drain(0);
      await gateway.close();
      await liveBus.close();
    },
  };
}

/** As the gateway's own: signed anew whenever they are read. */
function headersOf(userId: string | null): Record<string, string> {
  const headers: Record<string, string> = {};
  if (userId === null) return headers;
  const viewer = { userId, sessionId: 'ses_test', roles: ['USER'] };
  const get = () => signViewer(viewer, TEST_SECRET);
  return Object.defineProperty(headers, VIEWER_HEADER, { enumerable: true, get });
}
