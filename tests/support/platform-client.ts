import assert from 'node:assert/strict';
import { connectSocket, type SocketClient } from './graphql-ws-client.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
type Data = any;
type Variables = Record<string, unknown>;

/** A client of a running platform over its public protocol, signed in or not. */
export interface PlatformClient {
  readonly url: string;
  readonly token: string | null;
  /** Runs an operation that must succeed and returns its data. */
  data(query: string, variables?: Variables): Promise<Data>;
  /** Runs an operation and returns the whole response body. */
  run(query: string, variables?: Variables): Promise<{ data?: Data; errors?: Data[] }>;
  /** Runs an operation whose `variables.input.file` is `file`, by the GraphQL multipart request specification. */
  upload(query: string, variables: Variables, file: Blob, path: string): Promise<Data>;
  /** Opens a subscription over graphql-transport-ws. */
  subscribe(query: string, variables?: Variables): Promise<Subscription>;
  as(token: string): PlatformClient;
}

export interface Subscription {
  /** Data of the next event; rejects where the subscription ends or fails before. */
  next(): Promise<Data>;
  /** Ends it, and its socket with it. */
  close(): Promise<void>;
}

export function platformClient(url: string, token: string | null = null): PlatformClient {
  const headers: Record<string, string> = token ? { authorization: `Bearer ${token}` } : {};
  const post = async (body: BodyInit, extra: Record<string, string>) => {
    const response = await fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { ...headers, ...extra },
      body,
    });
    return (await response.json()) as { data?: Data; errors?: Data[] };
  };
  const run: PlatformClient['run'] = (query, variables) =>
    post(JSON.stringify({ query, variables }), { 'content-type': 'application/json' });
  return {
    url,
    token,
    run,
    data: async (query, variables) => dataOf(await run(query, variables)),
    async upload(query, variables, file, path) {
      const form = new FormData();
      form.set('operations', JSON.stringify({ query, variables }));
      form.set('map', JSON.stringify({ file: [path] }));
      form.set('file', file, 'file');
      return dataOf(await post(form, { 'apollo-require-preflight': 'true' }));
    },
    async subscribe(query, variables) {
      const socket = await connectSocket(url, headers);
      socket.send({ type: 'subscribe', id: '1', payload: { query, variables } });
      return { next: () => nextData(socket), close: () => socket.close() };
    },
    as: (other) => platformClient(url, other),
  };
}

function dataOf({ data, errors }: { data?: Data; errors?: Data[] }): Data {
  assert.equal(errors, undefined, `the operation failed: ${JSON.stringify(errors)}`);
  return data;
}

async function nextData(socket: SocketClient): Promise<Data> {
  for (;;) {
    const message = await socket.next();
    if (message.type === 'ping') socket.send({ type: 'pong' });
    else if (message.type === 'next') return dataOf(message.payload as { data?: Data; errors?: Data[] });
    else throw new Error(`The subscription ended: ${JSON.stringify(message)}`);
  }
}

const RETRY_MS = 50;

/** Repeats `check` until it passes, for what becomes true through events that the client cannot see. Fails with its last error. */
export async function eventually<T>(check: () => Promise<T>, withinMs = 20_000): Promise<T> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}
