import { once } from 'node:events';
import { connect, createServer, type AddressInfo } from 'node:net';

/** A way to a server as over a network and through a load balancer, which cuts every connection over which the server says nothing for a while. */
export interface ImpatientProxy {
  readonly port: number;
  /** Connections so far, and how many of them were cut. */
  readonly connections: number;
  readonly cut: number;
  /** Resolves once the server has said so many things since now, over whatever connections. */
  untilHeard(times: number): Promise<void>;
  close(): Promise<void>;
}

/** Of what clients say. */
const LATENCY_MS = 5;

export async function startImpatientProxy(targetPort: number, patienceMs: number): Promise<ImpatientProxy> {
  const counts = { connections: 0, cut: 0, said: 0 };
  const server = createServer((client) => {
    counts.connections += 1;
    const target = connect(targetPort, '127.0.0.1');
    const cut = () => {
      counts.cut += 1;
      client.destroy();
    };
    let timer = setTimeout(cut, patienceMs);
    target.on('data', (chunk) => {
      counts.said += 1;
      clearTimeout(timer);
      timer = setTimeout(cut, patienceMs);
      client.write(chunk);
      server.emit('said');
    });
    client.on('data', (chunk) => setTimeout(() => target.write(chunk), LATENCY_MS));
    for (const socket of [client, target])
      socket
        .on('error', () => undefined)
        .once('close', () => {
          clearTimeout(timer);
          client.destroy();
          target.destroy();
        });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    get connections() {
      return counts.connections;
    },
    get cut() {
      return counts.cut;
    },
    async untilHeard(times) {
      const enough = counts.said + times;
      while (counts.said < enough) await once(server, 'said');
    },
    async close() {
      const closed = once(server, 'close');
      server.close();
      await closed;
    },
  };
}
