import type { ChildProcess, SendHandle } from 'node:child_process';

/** How node:cluster hands a connection over, and how the worker says that it has it. Not documented: a test watches over it. */
interface Handover {
  readonly act?: unknown;
  readonly seq?: number;
}
interface Receipt {
  readonly ack?: number;
}

/**
 * Closes the connection that is on its way to a worker when that ends. Left to node:cluster it stays open in the primary for ever, and its
 * client waits for an answer as long as it pleases, where a reset tells it to ask again.
 */
export function closeUndelivered(worker: ChildProcess): void {
  const underway = new Map<number, SendHandle>();
  const send = worker.send.bind(worker);
  const watched = (message: Handover, handle?: SendHandle, ...rest: []) => {
    if (message.act === 'newconn' && message.seq !== undefined && handle) underway.set(message.seq, handle);
    return send(message, handle, ...rest);
  };
  Object.assign(worker, { send: watched });
  worker.on('internalMessage', ({ ack }: Receipt) => {
    if (ack !== undefined) underway.delete(ack);
  });
  // Not `disconnect`, which waits for the receipt.
  worker.once('exit', () => {
    for (const handle of underway.values()) if (handle && 'close' in handle) handle.close();
  });
}
