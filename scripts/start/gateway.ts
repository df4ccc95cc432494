import { connectChannels } from '#platform/events/connect.ts';
import type { ReadinessChecks } from '#platform/health.ts';
import { createJwtAuth } from '../../gateway/auth/jwt-auth.ts';
import { createConfiguredGateway } from '../../gateway/configured-gateway.ts';
import { createInProcessClient } from '../../gateway/engine/client/in-process.ts';
import { subgraphUrl } from '../../gateway/environment.ts';
import { eventDrivenSettings } from '../../gateway/event-sources.ts';
import type { Gateway } from '../../gateway/gateway.ts';
import { configuredSupergraph, DEFAULT_SUPERGRAPH } from '../../gateway/settings.ts';
import { connectOverHttp, type Connect } from '../../gateway/subgraph-clients.ts';
import { sourceAt } from '../../gateway/supergraph/location.ts';
import { followSupergraph } from '../../gateway/supergraph/reload.ts';
import type { Base } from './base.ts';
import { examples } from './examples.ts';
import type { StartSettings } from './settings.ts';
import type { OpenSubgraphs } from './subgraphs.ts';

/** The gateway over the subgraphs of this process, with no socket between, and over HTTP to any other one that a configured supergraph names. */
export async function openGateway(
  settings: StartSettings,
  { liveBus, log, metrics, tracing }: Base,
  { user, all }: OpenSubgraphs,
  opened: AsyncDisposableStack,
): Promise<Gateway> {
  const { environment, config, secret } = settings;
  const { keys, revokedSessions } = user.subgraph;
  const auth = createJwtAuth({
    jwks: () => keys.jwks(),
    secret,
    claims: config.authorization,
    revocations: { liveBus, revokedSessions },
    log,
  });
  opened.defer(() => auth.close());
  const { REDIS_URL: redisUrl } = environment;
  const isAnnounced = eventDrivenSettings(config).topics.length > 0;
  const channels = redisUrl && isAnnounced ? await connectChannels({ redisUrl, log }) : null;
  opened.defer(async () => channels?.close());
  const configured = configuredSupergraph(config, environment.GATEWAY_CONFIG);
  const source = sourceAt(configured ?? DEFAULT_SUPERGRAPH, config.supergraph);
  const { gateway, traffic } = await createConfiguredGateway({
    variables: environment,
    config,
    supergraphSdl: await source.read(),
    connect: connectTo(all, settings),
    auth,
    events: { liveBus, channels, secret },
    log,
    metrics,
    tracing,
    explorer: { title: 'Veza', examples },
    checks: checksOf(all),
  });
  opened.defer(() => gateway.close());
  // The platform's own changes with the code of the subgraphs, which runs on as it is until the next start.
  if (configured !== undefined && config.supergraph.watch)
    opened.defer(followSupergraph({ source, engine: gateway.engine, metrics: traffic, log }));
  return gateway;
}

function connectTo(all: OpenSubgraphs['all'], { config, env }: StartSettings): Connect {
  const endpoints = new Map(all.map(({ definition, subgraph }) => [definition.name, subgraph.endpoint]));
  const overHttp = connectOverHttp(config, (name, url) => subgraphUrl(name, url, env));
  return (name, ...rest) => {
    const endpoint = endpoints.get(name);
    return endpoint ? createInProcessClient(endpoint) : overHttp(name, ...rest);
  };
}

/** Every check of every subgraph, named `<subgraph>.<dependency>`. */
function checksOf(all: OpenSubgraphs['all']): ReadinessChecks {
  const entries = all.flatMap(({ definition, checks }) =>
    Object.entries(checks).map(([name, check]) => [`${definition.name}.${name}`, check] as const),
  );
  return Object.fromEntries(entries);
}
