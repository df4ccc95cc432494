import { join } from 'node:path';
import { connectDurableBus, connectLiveBus } from '#platform/events/connect.ts';
import type { DurableBus, LiveBus } from '#platform/events/ports.ts';
import { fileStoreOptions } from '#platform/files/file-environment.ts';
import { fileRoute } from '#platform/files/file-route.ts';
import { createFileStore, type FileStore } from '#platform/files/file-store.ts';
import type { HttpRoute } from '#platform/http.ts';
import { createLog, type Log } from '#platform/log.ts';
import { createMetrics, type Metrics } from '#platform/metrics.ts';
import { openTracing } from '#platform/tracing/open-tracing.ts';
import { registerSpanMetrics } from '#platform/tracing/span-metrics.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import { openDatabases, type Databases } from './databases.ts';
import type { StartSettings } from './settings.ts';

/** What every part of the platform stands on. */
export interface Base {
  readonly databases: Databases;
  readonly durableBus: DurableBus;
  readonly liveBus: LiveBus;
  readonly files: FileStore;
  /** Serve files where they lie on local disk. */
  readonly fileRoutes: readonly HttpRoute[];
  readonly secret: string;
  readonly log: Log;
  readonly metrics: Metrics;
  /** Whether METRICS is on. */
  readonly counted: boolean;
  readonly tracing: Tracing | null;
}

export async function openBase(settings: StartSettings, opened: AsyncDisposableStack): Promise<Base> {
  const { environment, dataDir, url, secret, progress } = settings;
  const log = createLog('veza', environment.LOG_LEVEL);
  const tracing = await openTracing(environment, 'veza', log);
  opened.defer(async () => tracing?.close());
  const databases = await progress.step('Database', () => openDatabases(environment, dataDir, log));
  opened.defer(databases.close);
  const durableBus = await connectDurableBus({ natsUrl: environment.NATS_URL, log });
  opened.defer(() => durableBus.close());
  const liveBus = await connectLiveBus({ redisUrl: environment.REDIS_URL, log });
  opened.defer(() => liveBus.close());
  const FILES_DIR = environment.FILES_DIR ?? join(dataDir, 'files');
  const fileOptions = fileStoreOptions({ ...environment, PUBLIC_URL: url, FILES_DIR }, secret);
  const files = await createFileStore(fileOptions);
  const fileRoutes = fileOptions.kind === 'disk' ? [fileRoute(fileOptions)] : [];
  const metrics = createMetrics('veza', environment.METRICS);
  registerSpanMetrics(metrics, tracing);
  const counted = environment.METRICS === 'on';
  return { databases, durableBus, liveBus, files, fileRoutes, secret, log, metrics, counted, tracing };
}
