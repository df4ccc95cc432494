import { WebSocket } from 'ws';

export interface SocketMessage {
  readonly type: string;
  readonly id?: string;
  readonly payload?: unknown;
}

export interface SocketOptions {
  readonly protocol?: string;
  readonly headers?: Record<string, string>;
}

/** A client that says exactly what a test tells it to, and keeps every message until the test asks for it. */
export interface SocketClient {
  readonly socket: WebSocket;
  send(message: object | string | Buffer): void;
  /** The next message, in order of arrival. Rejects where the socket closes before there is one. */
  next(): Promise<SocketMessage>;
  /** Code and reason, once the socket is closed. */
  readonly closed: Promise<{ readonly code: number; readonly reason: string }>;
  close(): Promise<void>;
}

/** Opens a socket to the gateway at `url` (http://…). Rejects where the upgrade is refused. */
export async function openSocket(url: string, options: SocketOptions = {}): Promise<SocketClient> {
  const { protocol = 'graphql-transport-ws', headers = {} } = options;
  const socket = new WebSocket(`${url.replace(/^http/, 'ws')}/graphql`, protocol ? [protocol] : [], {
    headers,
  });
  const arrived: SocketMessage[] = [];
  const waiting: PromiseWithResolvers<SocketMessage>[] = [];
  socket.on('message', (data) => {
    const message = JSON.parse(data.toString()) as SocketMessage;
    const taker = waiting.shift();
    if (taker) taker.resolve(message);
    else arrived.push(message);
  });
  const closed = Promise.withResolvers<{ code: number; reason: string }>();
  socket.on('close', (code, reason) => {
    closed.resolve({ code, reason: reason.toString() });
    for (const taker of waiting)
      taker.reject(new Error(`The socket closed with ${code} ${reason.toString()}`));
  });
  await new Promise<void>((resolve, reject) => socket.once('open', () => resolve()).on('error', reject));
  return {
    socket,
    closed: closed.promise,
    send: (message) =>
      socket.send(
        typeof message === 'string' || Buffer.isBuffer(message) ? message : JSON.stringify(message),
      ),
    next() {
      const message = arrived.shift();
      if (message) return Promise.resolve(message);
      const taker = Promise.withResolvers<SocketMessage>();
      waiting.push(taker);
      return taker.promise;
    },
    async close() {
      socket.close();
      await closed.promise;
    },
  };
}

/** Opens a socket and has it acknowledged. */
export async function connectSocket(
  url: string,
  payload?: Record<string, unknown>,
  options?: SocketOptions,
): Promise<SocketClient> {
  const client = await openSocket(url, options);
  client.send({ type: 'connection_init', payload });
  const { type } = await client.next();
  if (type !== 'connection_ack') throw new Error(`The gateway answered ${type} to connection_init`);
  return client;
}
