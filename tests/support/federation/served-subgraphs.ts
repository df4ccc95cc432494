import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import { serveSubgraph } from '#platform/serve-subgraph.ts';
import { startProcess, type PlatformProcess } from '../platform-process.ts';
import { composeSupergraph, createTestEndpoint, type TestSubgraphs } from './supergraph.ts';

/** Subgraphs of this process, each on a port of its own, and what a gateway process has to know of them. */
export interface ServedSubgraphs {
  readonly supergraphSdl: string;
  /** A file with it. */
  readonly supergraph: string;
  /** Where each of them is served. */
  urlOf(name: string): string;
  readonly env: NodeJS.ProcessEnv;
  close(): Promise<void>;
}

export async function serveTestSubgraphs(subgraphs: TestSubgraphs): Promise<ServedSubgraphs> {
  const log = createLog('test', 'silent');
  const folder = await mkdtemp(join(tmpdir(), 'veza-supergraph-'));
  const supergraph = join(folder, 'supergraph.graphql');
  const supergraphSdl = composeSupergraph(subgraphs);
  await writeFile(supergraph, supergraphSdl);
  const served = await Promise.all(
    Object.entries(subgraphs).map(async ([name, subgraph]) => {
      const listener = await serveSubgraph({
        endpoint: createTestEndpoint(subgraph),
        ...{ host: '127.0.0.1', port: 0, checks: {}, metrics: createMetrics(name), log },
      });
      return { name, listener, url: `http://127.0.0.1:${listener.port}/graphql` };
    }),
  );
  const variables = served.map(({ name, url }) => [`SUBGRAPH_${name.toUpperCase()}_URL`, url]);
  return {
    supergraphSdl,
    supergraph,
    urlOf: (name) => served.find((subgraph) => subgraph.name === name)?.url ?? '',
    env: Object.fromEntries(variables) as NodeJS.ProcessEnv,
    async close() {
      await Promise.all(served.map(({ listener }) => listener.close(0)));
      await rm(folder, { recursive: true });
    },
  };
}

/** A gateway process over them, on a free port. */
export async function startGatewayProcess(
  { supergraph, env }: ServedSubgraphs,
  args: readonly string[] = [],
  own: NodeJS.ProcessEnv = {},
): Promise<PlatformProcess> {
  const { result, child, output, end } = await startProcess(
    'gateway/index.ts',
    ['--supergraph', supergraph, '--port', '0', ...args],
    { ...PLAIN, ...env, ...own },
    (line) => /ready at (http:\S+)\/graphql$/.exec(line)?.[1] ?? null,
  );
  return { url: result, pid: child.pid ?? 0, output, end };
}

const PLAIN = { LOG_LEVEL: 'error', HOST: '', PORT: '', JWKS_URL: '', REDIS_URL: '', GATEWAY_CONFIG: '' };
