import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import type { TestContext } from 'node:test';
import { parseMessage, type Message } from 'graphql-ws';
import { WebSocketServer, type WebSocket } from 'ws';

/** A message of a client, and what a server can do about it. */
export interface Conversation {
  readonly socket: WebSocket;
  readonly message: Message;
  /** How many subscriptions there were so far, this one included. */
  readonly count: number;
  send(message: object): void;
  /** An event of the socket's last subscription, as of a log. */
  next(cursor: string, fields?: object): void;
  close(code: number): void;
}

/** A graphql-transport-ws server that says what a test lets it say, and nothing by itself. */
export async function startSocketServer(t: TestContext, talk: (heard: Conversation) => void) {
  const server = new WebSocketServer({
    host: '127.0.0.1',
    port: 0,
    handleProtocols: ([first]) => first ?? false,
  });
  await once(server, 'listening');
  let count = 0;
  server.on('connection', (socket) => {
    let id = '';
    const send = (message: object) => socket.send(JSON.stringify(message));
    socket.on('message', (data) => {
      const message = parseMessage(String(data));
      if (message.type === 'subscribe') {
        id = message.id;
        count += 1;
      }
      talk({
        socket,
        message,
        count,
        send,
        next: (cursor, fields) =>
          send({ type: 'next', id, payload: { data: { log: { cursor, ...fields } } } }),
        close: (code) => socket.close(code, 'because'),
      });
    });
  });
  t.after(() => {
    for (const socket of server.clients) socket.terminate();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, connections: server.clients };
}
