import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A balancer before some instances of a server: each request goes to the next one, whether that is there (502 where it is not) or not. */
export interface RoundRobin {
  readonly url: string;
  /** How many requests each target has got, by its port. */
  readonly requests: ReadonlyMap<number, number>;
  /** Connections of clients that are open. */
  readonly open: number;
  /** Resolves once no client has a connection any more. */
  untilIdle(): Promise<void>;
  /** Sends requests to these ports from now on. */
  setTargets(ports: readonly number[]): void;
  close(): Promise<void>;
}

export async function startRoundRobin(ports: readonly number[]): Promise<RoundRobin> {
  let targets = ports;
  let turn = 0;
  let open = 0;
  const requests = new Map<number, number>();
  const server = createServer((incoming, response) => {
    const port = targets[turn++ % targets.length] ?? 0;
    requests.set(port, (requests.get(port) ?? 0) + 1);
    forward(port, incoming, response);
  });
  server.on('connection', (socket) => {
    open += 1;
    socket.on('close', () => {
      open -= 1;
      if (open === 0) server.emit('idle');
    });
  });
  // As for most balancers: a WebSocket would have to stay with one instance.
  server.on('upgrade', (_request, socket) => socket.destroy());
  await once(server.listen(0, '127.0.0.1'), 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    requests,
    get open() {
      return open;
    },
    async untilIdle() {
      if (open > 0) await once(server, 'idle');
    },
    setTargets: (next) => void (targets = next),
    async close() {
      const closed = once(server, 'close');
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

function forward(port: number, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, url: path, headers } = incoming;
  const outgoing = request({ host: '127.0.0.1', port, method, path, headers, agent: false }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, { 'content-type': answer.headers['content-type'] });
    answer.on('error', () => response.destroy());
    answer.pipe(response);
  });
  outgoing.on('error', () => {
    if (response.headersSent) response.destroy();
    else response.writeHead(502).end();
  });
  response.on('close', () => outgoing.destroy());
  incoming.pipe(outgoing);
}
