import { createLog, type Log } from '#platform/log.ts';
import { runProcess, type Running } from '#platform/process.ts';
import { readSettings, shutdownPlan, type GatewaySettings } from './settings.ts';
import { shutdownDeadlineMs } from './shutdown.ts';
import { sourceAt } from './supergraph/location.ts';
import { followSupergraph } from './supergraph/reload.ts';

async function start(): Promise<Running> {
  const settings = readSettings(process.argv.slice(2), process.env);
  const { config, HOST: host, LOG_LEVEL } = settings;
  const log = createLog('gateway', LOG_LEVEL);
  const source = sourceAt(settings.supergraph, config.supergraph);
  const { port, engine, traffic, close } = await serve(settings, await source.read(), log);
  // Also before workers: one reader asks an address once, logs and counts once, and a worker that takes another one's place
  // gets what the others serve, even where the source has something unusable by then.
  const unfollow = config.supergraph.watch
    ? followSupergraph({ source, engine, metrics: traffic, log })
    : () => undefined;
  process.stdout.write(`Gateway ready at http://${host}:${port}/graphql\n`);
  return {
    close: async () => {
      unfollow();
      await close();
    },
    closeDeadlineMs: shutdownDeadlineMs(shutdownPlan(settings)),
  };
}

/** Loads what it needs only: a primary never uses the engine, nor the memory that it takes. */
async function serve(settings: GatewaySettings, supergraphSdl: string, log: Log) {
  if (settings.GATEWAY_WORKERS === 1) {
    const { serveGateway } = await import('./serve-gateway.ts');
    return serveGateway({ settings, supergraphSdl, log });
  }
  const { serveWithWorkers } = await import('./workers/serve-with-workers.ts');
  return serveWithWorkers(settings, supergraphSdl, log);
}

// No exporter of the query planner's package may call its vendor.
process.env['APOLLO_TELEMETRY_DISABLED'] = 'true';
await runProcess(start);
