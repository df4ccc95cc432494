import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { LOAD_CORE, startPinned } from '../gateway/processes.ts';
import { SUBGRAPHS, supergraphAt } from './graph.ts';

const portsMessage = z.object({ ports: z.record(z.enum(SUBGRAPHS), z.number()) });

export interface RunningSubgraphs {
  /** File of the supergraph. */
  readonly supergraph: string;
  publish(roomId: string, count?: number): void;
  end(): Promise<void>;
}

/** The subgraphs in one process on the load's core; with `redisUrl` they announce events there. Rejects with what it printed where it ends at once. */
export async function startSubgraphs(redisUrl = ''): Promise<RunningSubgraphs> {
  const program = join(import.meta.dirname, 'subgraph-process.ts');
  const { child, output, end } = startPinned(LOAD_CORE, [program], {
    ipc: true,
    env: { REDIS_URL: redisUrl },
  });
  const failed = once(child, 'exit').then(() => {
    throw new Error(`The subgraphs' process ended: ${output()}`);
  });
  const [message]: unknown[] = await Promise.race([once(child, 'message'), failed]);
  failed.catch(() => undefined);
  const supergraph = join(mkdtempSync(join(tmpdir(), 'veza-bench-')), 'supergraph.graphql');
  writeFileSync(supergraph, supergraphAt(portsMessage.parse(message).ports));
  return { supergraph, publish: (roomId, count = 1) => void child.send({ roomId, count }), end };
}
