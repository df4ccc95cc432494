import { once } from 'node:events';
import { join } from 'node:path';
import { z } from 'zod';
import { LOAD_CORE, startPinned } from '../gateway/processes.ts';

const connected = z.object({ connected: z.number() });
const state = z.object({ dropped: z.number(), delivered: z.number(), fault: z.string().nullable() });

type SwarmState = z.infer<typeof state>;

export interface Swarm {
  /** Waits until every socket that is still open has one event; says how many are not. Rejects where one has got something else. */
  allDelivered(): Promise<SwarmState>;
  end(): Promise<void>;
}

export interface SwarmOrder {
  readonly port: number;
  /** Number of its first socket among those of all swarms. */
  readonly from: number;
  readonly count: number;
  readonly rooms: number;
}

/** A process with subscribed sockets; resolves once all are. */
export async function startSwarm(order: SwarmOrder): Promise<Swarm> {
  const program = join(import.meta.dirname, 'swarm-process.ts');
  const { child, output, end } = startPinned(LOAD_CORE, [program], { ipc: true });
  const failed = once(child, 'exit').then(() => {
    throw new Error(`A process of the load ended: ${output()}`);
  });
  failed.catch(() => undefined);
  const ask = async (message: object): Promise<unknown> => {
    child.send(message);
    const [answer]: unknown[] = await Promise.race([once(child, 'message'), failed]);
    return answer;
  };
  connected.parse(await ask(order));
  return { allDelivered: () => allDelivered(order.count, async () => state.parse(await ask({}))), end };
}

const DELIVERY_MS = 60_000;

async function allDelivered(count: number, stateNow: () => Promise<SwarmState>): Promise<SwarmState> {
  const giveUpAtMs = performance.now() + DELIVERY_MS;
  for (;;) {
    const now = await stateNow();
    if (now.fault !== null) throw new Error(now.fault);
    if (now.delivered + now.dropped >= count) return now;
    if (performance.now() > giveUpAtMs)
      throw new Error(`${now.delivered} of ${count} sockets got their event`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
