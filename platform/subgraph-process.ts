import { z } from 'zod';
import { openDatabase, type Database, type DatabaseOptions } from './database.ts';
import { readEnvironment, variables } from './environment.ts';
import { connectDurableBus, connectLiveBus } from './events/connect.ts';
import { createEvents, type Events } from './events/events.ts';
import { DONE_EVENTS } from './events/inbox-store.ts';
import type { DurableBus, LiveBus } from './events/ports.ts';
import { createFileStore, type FileStore } from './files/file-store.ts';
import { notingUploads } from './files/unclaimed-files.ts';
import { fileStoreOptions, fileVariables } from './files/file-environment.ts';
import type { ReadinessChecks } from './health.ts';
import type { HttpRoute } from './http.ts';
import { createLog, type Log } from './log.ts';
import { createMetrics, type Metrics } from './metrics.ts';
import { databaseUrlOf, ensureDatabase } from './database-url.ts';
import type { Running } from './process.ts';
import { createPurge, type Purge, type PurgeRule } from './purge.ts';
import { serveSubgraph } from './serve-subgraph.ts';
import { createSubgraphMetrics } from './subgraph-metrics.ts';
import type { SubgraphEndpoint } from './subgraph-endpoint.ts';
import { withEndpointSpans } from './tracing/endpoint-spans.ts';
import { tracingVariables } from './tracing/environment.ts';
import { openTracing } from './tracing/open-tracing.ts';
import { registerSpanMetrics } from './tracing/span-metrics.ts';
import type { Tracing } from './tracing/tracing.ts';

/** What every subgraph stands on. The subgraph uses it and closes none of it. */
export interface Foundation {
  readonly database: Database;
  readonly events: Events;
  readonly liveBus: LiveBus;
  readonly files: FileStore;
  /** INTERNAL_SECRET. */
  readonly secret: string;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly now: () => Date;
}

/** A subgraph as it was built on a foundation. */
export interface Subgraph {
  readonly endpoint: SubgraphEndpoint;
  /** What it serves besides GraphQL. */
  readonly routes?: readonly HttpRoute[];
  /** Starts timers and the like, once consumers run. */
  start?(): void;
  stop?(): Promise<void>;
  /** Puts its part of the demo data into an empty database; changes nothing where there is data. */
  seed(): Promise<void>;
}

/** How to build a subgraph. `create` registers its reactions with `foundation.events.consume`. */
export interface SubgraphDefinition<S extends Subgraph = Subgraph> {
  readonly name: string;
  readonly entities: DatabaseOptions['entities'];
  readonly migrations: DatabaseOptions['migrations'];
  /** What its tables need not keep. */
  readonly purges?: readonly PurgeRule[];
  create(foundation: Foundation): S;
}

export interface OpenSubgraph<S extends Subgraph = Subgraph> {
  readonly definition: SubgraphDefinition<S>;
  readonly subgraph: S;
  readonly foundation: Foundation;
  readonly checks: ReadinessChecks;
  readonly purge: Purge;
  /** Starts taking events from others; call it on every subgraph before `startPublishing` on any. */
  startConsuming(): Promise<void>;
  startPublishing(): void;
  close(): Promise<void>;
}

export interface OpenOptions {
  /** Address of the subgraph's own database. */
  readonly databaseUrl: string;
  readonly durableBus: DurableBus;
  readonly liveBus: LiveBus;
  readonly files: FileStore;
  readonly secret: string;
  readonly log: Log;
  readonly metrics: Metrics;
  /** False: `metrics` gets no figures of operations and events. */
  readonly counted?: boolean;
  /** Without it operations are not recorded. */
  readonly tracing?: Tracing | null;
  readonly now?: () => Date;
}

/** Opens the database, brings it up to date, and builds the subgraph on it. The buses stay the caller's. */
export async function openSubgraph<S extends Subgraph>(
  definition: SubgraphDefinition<S>,
  options: OpenOptions,
): Promise<OpenSubgraph<S>> {
  const { name, entities, migrations, purges = [] } = definition;
  const { durableBus, liveBus, files, secret, metrics, now = () => new Date() } = options;
  const log = options.log.child({ subgraph: name });
  await ensureDatabase(options.databaseUrl);
  const database = await openDatabase({ url: options.databaseUrl, name, entities, migrations, log });
  await database.migrate().catch(async (error: unknown) => {
    await database.close();
    throw error;
  });
  const figures = options.counted === false ? null : createSubgraphMetrics(metrics, name);
  const observer = figures ? { observer: figures.relay } : {};
  const { tracing = null } = options;
  const events = createEvents({ database, durableBus, liveBus, log, tracing, ...observer });
  const noting = notingUploads(files, database, now);
  const foundation: Foundation = { database, events, liveBus, files: noting, secret, log, metrics, now };
  const created = definition.create(foundation);
  const measured = figures ? figures.measured(created.endpoint) : created.endpoint;
  const purge = createPurge({ database, rules: [DONE_EVENTS, ...purges], files, log, now });
  const endpoint = tracing ? withEndpointSpans(measured, name, tracing) : measured;
  const subgraph = { ...created, endpoint };
  return {
    definition,
    subgraph,
    foundation,
    purge,
    checks: {
      database: () => database.ping(),
      durableBus: () => durableBus.ping(),
      liveBus: () => liveBus.ping(),
    },
    startConsuming: async () => {
      await events.startConsumers();
      subgraph.start?.();
      purge.start();
    },
    startPublishing: () => events.startRelay(),
    close: async () => {
      await purge.stop();
      await subgraph.stop?.();
      await events.stop();
      await database.close();
    },
  };
}

/** Variables of a subgraph that runs as a process of its own. */
export const subgraphVariables = (name: string, defaultPort: number) =>
  z.object({
    HOST: variables.HOST,
    PORT: variables.port(defaultPort, 'Port of this process.'),
    LOG_LEVEL: variables.LOG_LEVEL,
    METRICS: variables.METRICS,
    ...tracingVariables,
    DATABASE_URL: variables.DATABASE_URL,
    [`${name.toUpperCase()}_DATABASE_URL`]: variables.databaseUrl(name),
    REDIS_URL: variables.REDIS_URL,
    NATS_URL: variables.NATS_URL,
    INTERNAL_SECRET: variables.INTERNAL_SECRET,
    ...fileVariables,
  });

/** Starts a subgraph as a process of its own, with the variables that `subgraphVariables` describes. */
export async function startSubgraphProcess(
  definition: SubgraphDefinition,
  defaultPort: number,
  env: NodeJS.ProcessEnv,
): Promise<Running> {
  const { name } = definition;
  const environment = readEnvironment(subgraphVariables(name, defaultPort), env, [
    [`${name.toUpperCase()}_DATABASE_URL`, 'DATABASE_URL'],
  ]);
  const databaseUrl = databaseUrlOf(name, environment);
  const log = createLog(name, environment.LOG_LEVEL);
  const metrics = createMetrics(name, environment.METRICS);
  const tracing = await openTracing(environment, name, log);
  registerSpanMetrics(metrics, tracing);
  const durableBus = await connectDurableBus({ natsUrl: environment.NATS_URL, log });
  const liveBus = await connectLiveBus({ redisUrl: environment.REDIS_URL, log });
  const files = await createFileStore(fileStoreOptions(environment, environment.INTERNAL_SECRET));
  const secret = environment.INTERNAL_SECRET;
  const open = await openSubgraph(definition, {
    databaseUrl,
    durableBus,
    liveBus,
    files,
    secret,
    log,
    metrics,
    counted: environment.METRICS === 'on',
    tracing,
  });
  const { HOST: host, PORT: port } = environment;
  const { endpoint, routes } = open.subgraph;
  const listener = await serveSubgraph({ endpoint, routes, host, port, checks: open.checks, metrics, log });
  await open.startConsuming();
  open.startPublishing();
  log.info({ port: listener.port }, 'ready');
  return {
    close: async () => {
      await listener.close();
      await open.close();
      await durableBus.close();
      await liveBus.close();
      await tracing?.close();
    },
  };
}
