import { once } from 'node:events';
import { join } from 'node:path';
import { startPinned } from '../gateway/processes.ts';

/** A process of the load that answers each order with one message. */
export interface AskedProcess<Order> {
  readonly pid: number;
  /** Not to be called before the former answer. Rejects where the process has ended. */
  ask(order: Order): Promise<unknown>;
  /** Without an answer. */
  tell(order: Order): void;
  end(): Promise<void>;
}

export function startAsked<Order extends object>(program: string, cores: string): AskedProcess<Order> {
  const { child, pid, output, end } = startPinned(cores, [join(import.meta.dirname, program)], { ipc: true });
  const failed = once(child, 'exit').then(() => {
    throw new Error(`A process of the load ended: ${output()}`);
  });
  failed.catch(() => undefined);
  const tell = (order: Order) => void child.send(order);
  const ask = async (order: Order): Promise<unknown> => {
    tell(order);
    const [answer]: unknown[] = await Promise.race([once(child, 'message'), failed]);
    return answer;
  };
  return { pid, ask, tell, end };
}
