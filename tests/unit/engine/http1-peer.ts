import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { after } from 'node:test';
import { createHttpClient, type HttpClientOptions } from '../../../gateway/engine/client/http.ts';
import type { SubgraphFetch } from '../../../gateway/engine/client/subgraph-client.ts';

export const BODY = '{"data":{"a":"ü"}}';
export const RESULT = { data: { a: 'ü' } };
export const PLAIN = `HTTP/1.1 200 OK\r\ncontent-length: ${Buffer.byteLength(BODY)}\r\n\r\n${BODY}`;

/** A listener that hands every connection to `serve`, and a client of it. */
export async function startPeer(
  serve: (socket: Socket, connection: number) => void,
  options: Partial<HttpClientOptions> = {},
) {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    serve(socket, (connections += 1));
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/graphql`;
  const client = createHttpClient({ name: 'goods', url, ...options });
  after(async () => {
    await client.close();
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return { client, connections: () => connections };
}

/** Calls `answer` once for every request that arrived whole. */
export function onRequests(socket: Socket, answer: (request: string) => void): void {
  let text = '';
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
    for (;;) {
      const size = Number(/content-length: (\d+)/.exec(text)?.[1]);
      const end = text.indexOf('\r\n\r\n') + 4 + size;
      if (Number.isNaN(size) || text.length < end) return;
      const request = text.slice(0, end);
      text = text.slice(end);
      answer(request);
    }
  });
}

export const fetchOf = (
  kind: 'query' | 'mutation' = 'query',
  extra: Partial<SubgraphFetch> = {},
): SubgraphFetch => ({
  operation: { query: '{ a }', operationName: undefined, kind, bodyPrefix: '{"query":"{ a }","variables":{' },
  variables: {},
  representations: null,
  headers: {},
  signal: new AbortController().signal,
  ...extra,
});
