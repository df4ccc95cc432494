import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { EnvironmentError, readEnvironment } from '#platform/environment.ts';
import { CodedError, messageOf } from '#platform/errors.ts';
import { connectLiveBus } from '#platform/events/connect.ts';
import { fileRoute } from '#platform/files/file-route.ts';
import { listen, type HttpRoute } from '#platform/http.ts';
import { INTERNAL_HEADER, signInternal } from '#platform/internal-auth.ts';
import { createLog, type Log } from '#platform/log.ts';
import { createMetrics, type Metrics } from '#platform/metrics.ts';
import { revokedSessionList } from '#platform/revoked-sessions.ts';
import type { GatewayAuth } from './auth/auth.ts';
import { ALWAYS_FORWARDED } from './auth/forwarded-headers.ts';
import { createJwtAuth } from './auth/jwt-auth.ts';
import { readConfig, type GatewayConfig } from './config.ts';
import { hiddenServices, ignoredByAll, selectedHeaders } from './config-subgraphs.ts';
import { gatewayEnvironment, subgraphUrl } from './environment.ts';
import { createGateway } from './gateway.ts';
import { proxyRoute } from './http/proxy-route.ts';
import { shutDown, shutdownDeadlineMs, type ShutdownPlan } from './shutdown.ts';
import { createSubgraphClients } from './subgraph-clients.ts';
import { locationFrom, sourceAt } from './supergraph/location.ts';
import { followSupergraph } from './supergraph/reload.ts';
import { createLoadShedding } from './traffic/load-shedding.ts';
import { createTrafficMetrics } from './traffic/metrics.ts';
import { watchPressure } from './traffic/pressure.ts';

type Settings = ReturnType<typeof readSettings>;

const USAGE = 'Usage: npm run gateway -- [--config FILE] [--supergraph FILE|URL] [--port N] [--host H]';
const DEFAULT_SUPERGRAPH = fileURLToPath(new URL('../schema/supergraph.graphql', import.meta.url));
const REVOCATIONS_TIMEOUT_MS = 5_000;

const STRING = { type: 'string' } as const;

function readSettings(args: string[], env: NodeJS.ProcessEnv) {
  const { values } = parseArgs({
    args,
    options: { config: STRING, supergraph: STRING, port: STRING, host: STRING },
  });
  const { supergraph, port, host } = values;
  const given = { ...env, ...(port && { PORT: port }), ...(host && { HOST: host }) };
  const settings = readEnvironment(gatewayEnvironment, given);
  if (settings.JWKS_URL && !settings.INTERNAL_SECRET)
    throw new EnvironmentError(['INTERNAL_SECRET: is required with JWKS_URL, to sign who is calling']);
  const configFile = values.config ?? settings.GATEWAY_CONFIG;
  const config = readConfig(configFile);
  const { source } = config.supergraph;
  const configured = source && configFile ? locationFrom(configFile, source) : undefined;
  return { ...settings, config, supergraph: supergraph ?? configured ?? DEFAULT_SUPERGRAPH };
}

interface StartedAuth {
  readonly auth: GatewayAuth;
  close(): Promise<void>;
}

async function startAuth(settings: Settings, log: Log): Promise<StartedAuth | null> {
  const { JWKS_URL, INTERNAL_SECRET: secret, REDIS_URL, REVOKED_SESSIONS_URL } = settings;
  if (!JWKS_URL || !secret) return null;
  const liveBus = REDIS_URL ? await connectLiveBus({ redisUrl: REDIS_URL, log }) : undefined;
  const auth = createJwtAuth({
    jwks: new URL(JWKS_URL),
    secret,
    log,
    revocations: {
      liveBus,
      ...(REVOKED_SESSIONS_URL && { revokedSessions: askRevocations(REVOKED_SESSIONS_URL, secret) }),
    },
  });
  const close = async () => {
    await auth.close();
    await liveBus?.close();
  };
  return { auth, close };
}

function askRevocations(address: string, secret: string) {
  return async (sinceMs: number) => {
    const url = new URL(address);
    url.searchParams.set('since', String(sinceMs));
    const response = await fetch(url, {
      headers: { [INTERNAL_HEADER]: signInternal(secret) },
      signal: AbortSignal.timeout(REVOCATIONS_TIMEOUT_MS),
    });
    if (!response.ok) throw new Error(`${url.origin}${url.pathname} answered ${response.status}`);
    return revokedSessionList.parse(await response.json()).sessions;
  };
}

/** A gateway that follows its supergraph; `stop` ends that and whatever watches the process. */
async function buildGateway(settings: Settings, auth: GatewayAuth | null, log: Log) {
  const { config } = settings;
  const metrics = createMetrics('gateway');
  const traffic = createTrafficMetrics(metrics);
  const toAll = settings.FORWARD_HEADERS.map((name) => name.toLowerCase());
  const selected = selectedHeaders(config, [
    ...toAll,
    ...ALWAYS_FORWARDED,
    ...(auth ? [] : ['authorization']),
  ]);
  const source = sourceAt(settings.supergraph, config.supergraph);
  const supergraphSdl = await source.read();
  const pressure = watchPressure(config.shedding);
  const clients = createSubgraphClients({
    config,
    metrics: traffic,
    selectedHeaders: selected,
    isProduction: settings.NODE_ENV === 'production',
    addressOf: (name, url) => subgraphUrl(name, url, process.env),
  });
  const served = new Set<string>();
  const gateway = await createGateway({
    ...frontSettings(settings, metrics),
    forwardHeaders: [...toAll, ...selected],
    supergraphSdl,
    clients: (name, url) => {
      served.add(name);
      return clients(name, url);
    },
    auth,
    log,
    requestDeadlineMs: config.requestDeadlineMs,
    isHidden: hiddenServices(config),
    ignoredHeaders: ignoredByAll(config),
    shedding: createLoadShedding({ ...config.shedding, pressure, metrics: traffic }),
  });
  warnOfUnknown(config, served, log);
  const { engine } = gateway;
  const unfollow = config.supergraph.watch
    ? followSupergraph({ source, engine, metrics: traffic, log })
    : () => undefined;
  const stop = () => {
    unfollow();
    pressure.close();
  };
  return { gateway, stop };
}

/** No error, because the next supergraph may have them. */
function warnOfUnknown({ subgraphs }: GatewayConfig, served: ReadonlySet<string>, log: Log): void {
  for (const subgraph of Object.keys(subgraphs))
    if (subgraph !== 'all' && !served.has(subgraph))
      log.warn({ subgraph }, 'settings of an unknown subgraph');
}

function frontSettings(settings: Settings, metrics: Metrics) {
  return {
    metrics,
    corsOrigins: settings.CORS_ORIGINS,
    trustProxy: settings.TRUST_PROXY,
    engine: settings.GATEWAY_ENGINE,
    fastPath: settings.FAST_PATH === 'on',
    requestLimits: { maxBodyBytes: settings.MAX_BODY_BYTES, maxFileBytes: settings.MAX_FILE_BYTES },
    ...(settings.EXPLORER === 'off' && { explorer: null }),
  };
}

function shutdownPlan({ config, SHUTDOWN_GRACE_MS: allMs }: Settings): ShutdownPlan {
  const { delayMs, socketsMs = allMs / 2, graceMs = allMs / 2 } = config.shutdown;
  return { delayMs, socketsMs, graceMs };
}

/** What browsers need besides the graph, so that they know one address only. */
function pageRoutes({ FILES_DIR: folder, INTERNAL_SECRET: secret, MEDIA_URL }: Settings): HttpRoute[] {
  return [
    ...(folder && secret ? [fileRoute({ folder, secret })] : []),
    ...(MEDIA_URL ? [proxyRoute('/live/*', new URL(MEDIA_URL))] : []),
  ];
}

async function start(): Promise<void> {
  const settings = readSettings(process.argv.slice(2), process.env);
  const { HOST: host, PORT: port } = settings;
  const log = createLog('gateway', settings.LOG_LEVEL);
  const started = await startAuth(settings, log);
  const { gateway, stop } = await buildGateway(settings, started?.auth ?? null, log);
  const { upgrades } = gateway;
  const routes = [...gateway.routes, ...pageRoutes(settings)];
  const listener = await listen({ host, port, routes, upgrades, log });
  process.stdout.write(`Gateway ready at http://${host}:${listener.port}/graphql\n`);

  const plan = shutdownPlan(settings);
  const end = async () => {
    stop();
    await shutDown(gateway, listener, plan);
    await started?.close();
  };
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.once(signal, () => {
      setTimeout(() => process.exit(1), shutdownDeadlineMs(plan)).unref();
      end().then(() => process.exit(0), fail);
    });
}

function fail(error: unknown): never {
  const isUsage = (error as { code?: unknown }).code?.toString().startsWith('ERR_PARSE_ARGS') ?? false;
  const message = error instanceof CodedError ? `${error.message} (${error.code})` : messageOf(error);
  process.stderr.write(`${message}\n${isUsage ? `${USAGE}\n` : ''}`);
  process.exit(1);
}

// No exporter of the query planner's package may call its vendor.
process.env['APOLLO_TELEMETRY_DISABLED'] = 'true';
await start().catch(fail);
