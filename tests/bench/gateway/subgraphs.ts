import { once } from 'node:events';
import { join } from 'node:path';
import { z } from 'zod';
import { SUBGRAPHS, type SubgraphName } from './graph.ts';
import { LOAD_CORE, startPinned } from './processes.ts';

const portsMessage = z.object({ ports: z.record(z.enum(SUBGRAPHS), z.number()) });
const countsMessage = z.object({ counts: z.object({ requests: z.number(), authorized: z.number() }) });

/** Requests that the subgraphs got so far, and how many of them carried a token of the load's. */
export type SubgraphCounts = z.infer<typeof countsMessage>['counts'];

export interface RunningSubgraphs {
  readonly ports: Readonly<Record<SubgraphName, number>>;
  counts(): Promise<SubgraphCounts>;
}

/** The four subgraphs in one process on the load's core. Rejects with what it printed where it ends at once. */
export async function startSubgraphs(): Promise<RunningSubgraphs> {
  const { child, output } = startPinned(LOAD_CORE, [join(import.meta.dirname, 'subgraph-process.ts')], {
    ipc: true,
  });
  const failed = once(child, 'exit').then(() => {
    throw new Error(`The subgraphs' process ended: ${output()}`);
  });
  const message = async () => {
    const [value]: unknown[] = await Promise.race([once(child, 'message'), failed]);
    return value;
  };
  const { ports } = portsMessage.parse(await message());
  const counts = async () => {
    child.send('counts');
    return countsMessage.parse(await message()).counts;
  };
  return { ports, counts };
}
