import { Gauge } from 'prom-client';
import type { Metrics } from '#platform/metrics.ts';
import type { MediaStatus } from './status.ts';

/** Gauges that are read when Prometheus asks. */
export function registerMediaMetrics(
  metrics: Metrics,
  status: () => MediaStatus,
  pendingEvents: () => number,
): void {
  const participants = () => status().rooms.flatMap((room) => room.participants);
  const gauges: readonly [name: string, help: string, value: () => number][] = [
    ['veza_media_workers', 'Media workers that are running.', () => status().workers.length],
    ['veza_media_worker_deaths', 'Media workers that died since the start.', () => status().workerDeaths],
    ['veza_media_rooms', 'Live rooms that are open on this server.', () => status().rooms.length],
    ['veza_media_participants', 'Participants that have joined.', () => participants().length],
    [
      'veza_media_producers',
      'Audio streams that participants send.',
      () => participants().reduce((sum, one) => sum + one.producers.length, 0),
    ],
    [
      'veza_media_pending_events',
      'Presence events that the durable bus has not accepted yet.',
      pendingEvents,
    ],
  ];
  for (const [name, help, value] of gauges) metrics.registerMetric(createGauge(name, help, value));
}

function createGauge(name: string, help: string, value: () => number): Gauge {
  return new Gauge({
    name,
    help,
    registers: [],
    collect() {
      this.set(value());
    },
  });
}
