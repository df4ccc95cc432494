import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';

/** A way to a server that a test can block and open again. */
export interface TcpProxy {
  readonly port: number;
  /** Cuts every connection and refuses new ones. */
  block(): void;
  open(): void;
  /** Nothing comes over the connections that stand any more, and nobody is told. New ones are as good as ever. */
  freeze(): void;
  close(): Promise<void>;
}

/** Listens at `from`, by default on a port that the system chooses. */
export async function startTcpProxy(
  host: string,
  port: number,
  from = { host: '127.0.0.1', port: 0 },
): Promise<TcpProxy> {
  const sockets = new Set<Socket>();
  let blocked = false;
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => socket.destroy()).once('close', () => sockets.delete(socket));
  };
  const server = createServer((client) => {
    keep(client);
    if (blocked) return void client.destroy();
    const target = connect(port, host);
    keep(target);
    client.pipe(target).pipe(client);
    client.once('close', () => target.destroy());
    target.once('close', () => client.destroy());
    return undefined;
  }).listen(from.port, from.host);
  await once(server, 'listening');
  const cut = () => {
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: (server.address() as AddressInfo).port,
    block() {
      blocked = true;
      cut();
    },
    open: () => void (blocked = false),
    freeze() {
      for (const socket of sockets) socket.unpipe().pause();
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      cut();
      await closed;
    },
  };
}
