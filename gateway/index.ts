import { createLog } from '#platform/log.ts';
import { runProcess, type Running } from '#platform/process.ts';
import { serveGateway } from './serve-gateway.ts';
import { readSettings, shutdownPlan } from './settings.ts';
import { shutdownDeadlineMs } from './shutdown.ts';
import { sourceAt } from './supergraph/location.ts';
import { followSupergraph } from './supergraph/reload.ts';

async function start(): Promise<Running> {
  const settings = readSettings(process.argv.slice(2), process.env);
  const { config, HOST: host, LOG_LEVEL } = settings;
  const log = createLog('gateway', LOG_LEVEL);
  const source = sourceAt(settings.supergraph, config.supergraph);
  const served = await serveGateway({ settings, supergraphSdl: await source.read(), log });
  const { engine, traffic, listener } = served;
  const unfollow = config.supergraph.watch
    ? followSupergraph({ source, engine, metrics: traffic, log })
    : () => undefined;
  process.stdout.write(`Gateway ready at http://${host}:${listener.port}/graphql\n`);
  const close = async () => {
    unfollow();
    await served.close();
  };
  return { close, closeDeadlineMs: shutdownDeadlineMs(shutdownPlan(settings)) };
}

// No exporter of the query planner's package may call its vendor.
process.env['APOLLO_TELEMETRY_DISABLED'] = 'true';
await runProcess(start);
