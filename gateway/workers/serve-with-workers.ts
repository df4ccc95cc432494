import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Counter, Gauge } from 'prom-client';
import { messageOf } from '#platform/errors.ts';
import { requireFreePort } from '#platform/free-port.ts';
import type { Log } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import type { Engine } from '../engine/engine.ts';
import type { GatewaySettings } from '../settings.ts';
import { createTrafficMetrics, type TrafficMetrics } from '../traffic/metrics.ts';
import { createPoolFigures } from './figures.ts';
import { WorkerPool } from './pool.ts';
import { forkWorker } from './worker-process.ts';

export interface ServedByWorkers {
  /** The port that all of them share. */
  readonly port: number;
  /** What all of them serve: `swap` changes it in each. */
  readonly engine: Pick<Engine, 'swap' | 'supergraphSdl'>;
  readonly traffic: Pick<TrafficMetrics, 'reloaded'>;
  close(): Promise<void>;
}

/**
 * The gateway in GATEWAY_WORKERS processes that share one port. This one, the primary, serves nothing: it hands connections over, reads the
 * supergraph, adds figures up and replaces workers. Resolves once all of them listen.
 */
export async function serveWithWorkers(
  settings: GatewaySettings,
  supergraphSdl: string,
  log: Log,
): Promise<ServedByWorkers> {
  // Known before the first worker: port 0 of a worker whose fellows have all ended would be another one.
  const port = await requireFreePort(settings.HOST, settings.PORT);
  const metrics = createMetrics('gateway', settings.METRICS);
  const figures = createPoolFigures(metrics);
  const replacements = new Counter({
    name: 'gateway_worker_replacements_total',
    help: 'Workers that ended unasked.',
    registers: [metrics],
  });
  // Made with rights for nobody else.
  const folder = mkdtempSync(join(tmpdir(), 'veza-gateway-'));
  const pool: WorkerPool = new WorkerPool({
    settings: { ...settings, PORT: port },
    supergraphSdl,
    folder,
    fork: () => forkWorker({ metricsText: () => figures.text(pool.serving) }),
    log,
    onLost(worker) {
      figures.retire(worker);
      replacements.inc();
    },
    onExhausted(error) {
      process.stderr.write(`No worker serves, and none can be started: ${messageOf(error)}\n`);
      process.exit(1);
    },
  });
  const size: Gauge = new Gauge({
    name: 'gateway_workers',
    help: 'Workers that serve.',
    registers: [],
    collect: () => size.set(pool.serving.length),
  });
  metrics.registerMetric(size);
  // They would end with this process anyway, but for one whose event loop is stuck.
  process.once('exit', () => {
    pool.kill();
    rmSync(folder, { recursive: true, force: true });
  });
  await pool.start();
  const traffic = createTrafficMetrics(settings.METRICS === 'on' ? metrics : null);
  return { port, engine: pool, traffic, close: () => pool.close() };
}
