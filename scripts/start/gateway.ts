import { readFile } from 'node:fs/promises';
import type { ReadinessChecks } from '#platform/health.ts';
import { createJwtAuth } from '../../gateway/auth/jwt-auth.ts';
import { createInProcessClient } from '../../gateway/engine/client/in-process.ts';
import { createGateway, type Gateway } from '../../gateway/gateway.ts';
import type { Base } from './base.ts';
import { examples } from './examples.ts';
import type { StartSettings } from './settings.ts';
import type { OpenSubgraphs } from './subgraphs.ts';

const SUPERGRAPH = new URL('../../schema/supergraph.graphql', import.meta.url);

/** The gateway over the subgraphs of this process, with no socket between. */
export async function openGateway(
  { environment, secret }: StartSettings,
  { liveBus, log, metrics }: Base,
  { user, all }: OpenSubgraphs,
  opened: AsyncDisposableStack,
): Promise<Gateway> {
  const { keys, revokedSessions } = user.subgraph;
  const auth = createJwtAuth({
    jwks: () => keys.jwks(),
    secret,
    revocations: { liveBus, revokedSessions },
    log,
  });
  opened.defer(() => auth.close());
  const endpoints = new Map(all.map(({ definition, subgraph }) => [definition.name, subgraph.endpoint]));
  const gateway = await createGateway({
    supergraphSdl: await readFile(SUPERGRAPH, 'utf8'),
    clients: (name) => createInProcessClient(endpoints.get(name)!),
    auth,
    log,
    metrics,
    corsOrigins: environment.CORS_ORIGINS,
    forwardHeaders: environment.FORWARD_HEADERS,
    trustProxy: environment.TRUST_PROXY,
    requestLimits: { maxBodyBytes: environment.MAX_BODY_BYTES, maxFileBytes: environment.MAX_FILE_BYTES },
    explorer: environment.EXPLORER === 'on' ? { title: 'Veza', examples } : null,
    checks: checksOf(all),
  });
  opened.defer(() => gateway.close());
  return gateway;
}

/** Every check of every subgraph, named `<subgraph>.<dependency>`. */
function checksOf(all: OpenSubgraphs['all']): ReadinessChecks {
  const entries = all.flatMap(({ definition, checks }) =>
    Object.entries(checks).map(([name, check]) => [`${definition.name}.${name}`, check] as const),
  );
  return Object.fromEntries(entries);
}
