import { setTimeout as pause } from 'node:timers/promises';
import { AggregatorRegistry } from 'prom-client';
import type { Metrics } from '#platform/metrics.ts';
import type { Figures } from './protocol.ts';
import type { WorkerProcess } from './worker-process.ts';

export interface PoolFigures {
  /** The figures of all workers and of the primary as one text: sums, unless a metric says otherwise. */
  text(workers: readonly WorkerProcess[]): Promise<string>;
  /** Keeps what an ended worker has counted: a sum that fell would look like a restart of the gateway. */
  retire(worker: WorkerProcess): void;
}

const ANSWER_MS = 2_000;

/**
 * Like prom-client's own aggregation in a cluster, which fails where a worker is starting, ends or is busy. Here such a worker has the figures
 * that it had when it was last asked.
 */
export function createPoolFigures(primary: Metrics): PoolFigures {
  const latest = new Map<WorkerProcess, Figures>();
  let retired: Promise<Figures> = Promise.resolve([]);
  const ask = async (worker: WorkerProcess) => {
    const late = new AbortController();
    const answer = await Promise.race([
      worker.channel.call('figures'),
      pause(ANSWER_MS, null, { signal: late.signal }),
    ]).catch(() => null);
    late.abort();
    if (answer) latest.set(worker, answer);
    return latest.get(worker) ?? [];
  };
  return {
    async text(workers) {
      const answers = await Promise.all(workers.map(ask));
      const own = ownFigures(await primary.getMetricsAsJSON());
      return AggregatorRegistry.aggregate([own, await retired, ...answers]).metrics();
    },
    retire(worker) {
      const counted = (latest.get(worker) ?? []).filter(isCounted);
      latest.delete(worker);
      retired = retired.then((before) => AggregatorRegistry.aggregate([before, counted]).getMetricsAsJSON());
    },
  };
}

const isCounted = ({ type }: Figures[number]) => ['counter', 'histogram'].includes(String(type));

/** What the runtime of the primary does concerns nobody but for its share of the machine; the gateway began when it did. */
const ownFigures = (figures: Figures): Figures =>
  figures
    .filter(({ name }) => /^(gateway|process)_/.test(name))
    .map((figure) =>
      figure.name === 'process_start_time_seconds' ? { ...figure, aggregator: 'first' } : figure,
    );
