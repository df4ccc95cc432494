import { Counter, Registry } from 'prom-client';
import { createLog, type Log } from '#platform/log.ts';
import { serveGateway, type ServedGateway } from '../serve-gateway.ts';
import { openChannel, type Channel, type Link } from './channel.ts';
import type { Assignment, PrimaryProcedures, WorkerProcedures } from './protocol.ts';

/** Serves what the primary assigns, until that tells it to stop. */
export async function runWorker(): Promise<void> {
  let serving: Serving | null = null;
  const procedures: WorkerProcedures = {
    async start(assignment) {
      serving = await serve(assignment, channel);
    },
    swap: async (supergraphSdl) => serving?.gateway.engine.swap(supergraphSdl),
    figures: async () => serving?.gateway.metrics.getMetricsAsJSON() ?? [],
    stop: () => stop(serving),
  };
  const channel = openChannel<PrimaryProcedures>(toPrimary, { ...procedures });
  await channel.call('hello');
}

interface Serving {
  readonly gateway: ServedGateway;
  readonly log: Log;
}

const toPrimary: Link = {
  // Without a primary the process ends by itself, as node:cluster does it.
  send: (message) => void process.send?.(message, undefined, undefined, () => undefined),
  onMessage: (listener) => void process.on('message', listener),
};

async function serve(
  { settings, supergraphSdl, ...place }: Assignment,
  primary: Channel<PrimaryProcedures>,
): Promise<Serving> {
  const log = createLog('gateway', settings.LOG_LEVEL).child({ worker: place.slot });
  const shown = settings.METRICS === 'on' ? { metricsText: textOf(primary) } : {};
  const gateway = await serveGateway({ settings, supergraphSdl, log, place, ...shown });
  const connections = new Counter({
    name: 'gateway_worker_connections_total',
    help: 'Connections that each worker has taken.',
    labelNames: ['worker'],
    registers: [gateway.metrics],
  });
  const own = connections.labels({ worker: place.slot });
  own.inc(0);
  gateway.listener.server.on('connection', () => own.inc());
  return { gateway, log };
}

const textOf = (primary: Channel<PrimaryProcedures>) => ({
  contentType: Registry.PROMETHEUS_CONTENT_TYPE,
  metrics: () => primary.call('metricsText'),
});

async function stop(serving: Serving | null): Promise<never> {
  try {
    await serving?.gateway.close();
    process.exit(0);
  } catch (error) {
    serving?.log.error({ err: error }, 'worker could not end in order');
    process.exit(1);
  }
}
