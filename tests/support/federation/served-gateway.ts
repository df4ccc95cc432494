import { readEnvironment } from '#platform/environment.ts';
import { listen } from '#platform/http.ts';
import { createLog, type Log } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import type { Tracing } from '#platform/tracing/tracing.ts';
import type { GatewayAuth } from '../../../gateway/auth/auth.ts';
import { parseConfig } from '../../../gateway/config.ts';
import { createConfiguredGateway } from '../../../gateway/configured-gateway.ts';
import type { SubgraphClient } from '../../../gateway/engine/client/subgraph-client.ts';
import type { Engine } from '../../../gateway/engine/engine.ts';
import { gatewayEnvironment } from '../../../gateway/environment.ts';

export interface ServedGatewayOptions {
  readonly supergraphSdl: string;
  readonly connect: (name: string) => SubgraphClient;
  /** Text of a configuration file. */
  readonly yaml?: string;
  readonly env?: NodeJS.ProcessEnv;
  readonly tracing?: Tracing;
  /** Default: tokens are not verified. It stays the caller's. */
  readonly auth?: GatewayAuth;
  /** Default: a silent one. */
  readonly log?: Log;
}

export interface ServedGateway {
  /** Base address, without a slash at the end. */
  readonly url: string;
  readonly engine: Engine;
  close(): Promise<void>;
}

/** The whole gateway, as a process has it, on a free port of this one. */
export async function serveTestGateway(options: ServedGatewayOptions): Promise<ServedGateway> {
  const { supergraphSdl, connect, yaml = '', env = {}, tracing = null, auth = null } = options;
  const { log = createLog('gateway', 'silent') } = options;
  const { gateway } = await createConfiguredGateway({
    variables: readEnvironment(gatewayEnvironment, { EXPLORER: 'off', ...env }),
    config: parseConfig(yaml, 'test.yaml'),
    supergraphSdl,
    connect,
    auth,
    log,
    metrics: createMetrics('gateway'),
    tracing,
  });
  const { routes, upgrades, engine } = gateway;
  const listener = await listen({ host: '127.0.0.1', port: 0, routes, upgrades, log });
  return {
    url: `http://127.0.0.1:${listener.port}`,
    engine,
    async close() {
      await gateway.drain(0);
      await listener.close(0);
      await gateway.close();
    },
  };
}
