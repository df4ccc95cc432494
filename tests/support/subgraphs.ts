import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FormattedExecutionResult } from 'graphql';
import { memoryDurableBus } from '#platform/events/durable-bus-memory.ts';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import type { DurableBus, LiveBus } from '#platform/events/ports.ts';
import { createFileStore } from '#platform/files/file-store.ts';
import { createLog } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import { isResultStream, type RequestScope, type ResultStream } from '#platform/subgraph-endpoint.ts';
import {
  openSubgraph,
  type OpenSubgraph,
  type Subgraph,
  type SubgraphDefinition,
} from '#platform/subgraph-process.ts';
import { signViewer, VIEWER_HEADER, type Viewer } from '#platform/viewer.ts';
import { createTestDatabase } from './databases.ts';
import { subscribeBy, type Upstream } from './subgraph-upstreams.ts';

export const TEST_SECRET = 'a-secret-of-the-tests-that-is-long-enough';

/** A caller: a user id, a viewer with roles, or null for nobody. */
export type Caller = string | Viewer | null;

type Data = Record<string, unknown>;

export interface TestSubgraph<S extends Subgraph> {
  readonly open: OpenSubgraph<S>;
  readonly durableBus: DurableBus;
  readonly liveBus: LiveBus;
  /** Runs an operation and returns its whole result. `address`: of the caller, as its gateway has seen it. */
  run(
    caller: Caller,
    query: string,
    variables?: Data,
    address?: string,
  ): Promise<FormattedExecutionResult<Data>>;
  /** Runs an operation that must succeed and returns its data. */
  // oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
  data(caller: Caller, query: string, variables?: Data, address?: string): Promise<any>;
  /** Starts a subscription that must succeed; resolves once it is live. */
  subscribe(caller: Caller, query: string, variables?: Data): Promise<ResultStream>;
  close(): Promise<void>;
}

export interface TestOptions {
  readonly now?: () => Date;
  readonly durableBus?: DurableBus;
  readonly liveBus?: LiveBus;
  /** How `subscribe` follows a subscription; default: as over a socket. */
  readonly upstream?: Upstream;
}

/** A subgraph on a fresh database, called in process, with memory buses unless others are given. */
export async function startTestSubgraph<S extends Subgraph>(
  definition: SubgraphDefinition<S>,
  options: TestOptions = {},
): Promise<TestSubgraph<S>> {
  const database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'veza-files-'));
  const { durableBus = memoryDurableBus(), liveBus = memoryLiveBus(), now, upstream = 'socket' } = options;
  const files = await createFileStore({
    kind: 'disk',
    folder,
    publicUrl: 'http://localhost:4000',
    secret: TEST_SECRET,
  });
  const log = createLog('test', 'silent');
  const metrics = createMetrics('test');
  const deps = {
    databaseUrl: database.url,
    durableBus,
    liveBus,
    files,
    secret: TEST_SECRET,
    log,
    metrics,
    now,
  };
  const open = await openSubgraph(definition, deps);
  await open.startConsuming();
  open.startPublishing();
  const { endpoint } = open.subgraph;
  const upstreams = subscribeBy(upstream, endpoint, liveBus, TEST_SECRET);
  // As a client would see it: graphql-js makes objects without a prototype, which deepEqual tells from plain ones.
  const run: TestSubgraph<S>['run'] = async (caller, query, variables, address) =>
    JSON.parse(JSON.stringify(await endpoint.execute({ query, variables }, scopeOf(caller, address))));
  return {
    open,
    durableBus,
    liveBus,
    run,
    async data(caller, query, variables, address) {
      const { data, errors } = await run(caller, query, variables, address);
      if (errors) throw new Error(`The operation failed: ${JSON.stringify(errors)}`);
      return data;
    },
    async subscribe(caller, query, variables) {
      const stream = await upstreams.subscribe({ query, variables }, scopeOf(caller));
      if (!isResultStream(stream))
        throw new Error(`The subscription was refused: ${JSON.stringify(stream.errors)}`);
      return stream;
    },
    async close() {
      await upstreams.close();
      await open.close();
      await durableBus.close();
      await liveBus.close();
      await database.drop();
      await rm(folder, { recursive: true });
    },
  };
}

function scopeOf(caller: Caller, address?: string): RequestScope {
  const signal = new AbortController().signal;
  const client: Record<string, string> = address === undefined ? {} : { 'x-veza-client-ip': address };
  if (caller === null) return { headers: client, signal };
  const viewer =
    typeof caller === 'string' ? { userId: caller, sessionId: 'ses_test', roles: ['USER'] } : caller;
  return { headers: { ...client, [VIEWER_HEADER]: signViewer(viewer, TEST_SECRET) }, signal };
}
