import assert from 'node:assert/strict';
import { randomBytes, randomUUID } from 'node:crypto';
import { appendFile, copyFile, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { newId } from '#platform/ids.ts';
import { signViewer, VIEWER_HEADER } from '#platform/viewer.ts';
import { createTestDatabase } from './databases.ts';
import { CHECKOUT, startProcess } from './platform-process.ts';
import { freePort, restartableServer } from './servers.ts';
import { services } from './services.ts';
import { startTcpProxy, type TcpProxy } from './tcp-proxy.ts';

/** A process that is killed and started again on its own port. */
export interface Restartable {
  readonly url: string;
  /** SIGKILL, and a new one; resolves once that is ready. */
  restart(): Promise<void>;
}

export interface WrittenEvent {
  readonly seq: number;
  readonly cursor: string;
  readonly content: string | null;
}

/** The chat subgraph and two gateways as processes, on real servers, everything behind doors that a test can slam. */
export interface RealtimePlatform {
  /** The first has its events over a socket to the subgraph, the second by polls that Redis sets off. Clients reach them through proxies. */
  readonly gateways: readonly Restartable[];
  readonly clientProxies: readonly TcpProxy[];
  readonly chat: Restartable;
  readonly redis: TcpProxy;
  readonly nats: TcpProxy;
  /** A public room: its id, and a position behind what has happened so far. */
  openRoom(): Promise<{ readonly id: string; readonly cursor: string }>;
  /** Tries until the message is taken, once. */
  write(roomId: string, content: string): Promise<void>;
  /** The room's log behind a position. */
  logOf(roomId: string, after: string): Promise<WrittenEvent[]>;
  /** The same supergraph, as another one. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

const CREATE = `mutation ($input: CreateRoomInput!) { createRoom(input: $input) { room { id eventCursor } userErrors { message } } }`;
const SEND = `mutation ($input: SendMessageInput!) { sendMessage(input: $input) { message { id } userErrors { message } } }`;
const LOG = `query ($id: ID!, $after: EventCursor!) { room(id: $id) { events(after: $after, first: 500) { endCursor events {
  seq cursor ... on MessageCreated { message { content } } } } } }`;

const BY_POLLS = 'subgraphs: { chat: { subscriptions: { upstream: polls } } }\n';
const isReady = (line: string): true | null => (/"msg":"ready"|listening on|Ready/i.test(line) ? true : null);

export async function startRealtimePlatform(): Promise<RealtimePlatform> {
  const stack = new AsyncDisposableStack();
  const database = await createTestDatabase();
  stack.defer(() => database.drop());
  const folder = await mkdtemp(join(tmpdir(), 'veza-realtime-'));
  stack.defer(() => rm(folder, { recursive: true, force: true }));
  const supergraph = join(folder, 'supergraph.graphql');
  await copyFile(join(CHECKOUT, 'schema/supergraph.graphql'), supergraph);
  const config = join(folder, 'polls.yaml');
  await writeFile(config, BY_POLLS);
  const redis = await proxyTo(services.redisUrl, stack);
  const nats = await proxyTo(await ownNats(stack), stack);
  const secret = randomBytes(32).toString('hex');
  const shared = { INTERNAL_SECRET: secret, REDIS_URL: redis.url, LOG_LEVEL: 'info', HOST: '127.0.0.1' };
  const chatEnv = { ...shared, CHAT_DATABASE_URL: database.url, NATS_URL: nats.url, FILES_DIR: folder };
  const chat = await startRestartable('subgraphs/chat/index.ts', [], chatEnv, stack);
  const gatewayEnv = { ...shared, SUBGRAPH_CHAT_URL: chat.url };
  const args = ['--supergraph', supergraph];
  const gateways = [
    await startRestartable('gateway/index.ts', args, gatewayEnv, stack),
    await startRestartable('gateway/index.ts', args, { ...gatewayEnv, GATEWAY_CONFIG: config }, stack),
  ];
  const clientProxies = await Promise.all(gateways.map(({ url }) => proxyTo(url, stack)));
  const owner = newId('User');
  const ask = async (query: string, variables: object) => {
    const viewer = signViewer({ userId: owner, sessionId: newId('Session'), roles: [] }, secret);
    const headers = { 'content-type': 'application/json', [VIEWER_HEADER]: viewer };
    const response = await fetch(chat.url, {
      method: 'POST',
      headers,
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await response.json();
    if (errors) throw new Error(JSON.stringify(errors));
    return data;
  };
  return {
    gateways,
    clientProxies: clientProxies.map(({ proxy }) => proxy),
    chat,
    redis: redis.proxy,
    nats: nats.proxy,
    async openRoom() {
      const { createRoom } = await ask(CREATE, {
        input: { kind: 'CHANNEL', name: 'loops', visibility: 'PUBLIC' },
      });
      return { id: createRoom.room.id, cursor: createRoom.room.eventCursor };
    },
    async write(roomId, content) {
      const input = { roomId, content, clientNonce: randomUUID() };
      const { sendMessage } = await untilTaken(() => ask(SEND, { input }));
      assert.deepEqual(sendMessage.userErrors, []);
    },
    async logOf(roomId, after) {
      const written: WrittenEvent[] = [];
      for (;;) {
        const { room } = await ask(LOG, { id: roomId, after: written.at(-1)?.cursor ?? after });
        if (room.events.events.length === 0) return written;
        for (const { seq, cursor, message } of room.events.events)
          written.push({ seq, cursor, content: message?.content ?? null });
      }
    },
    reload: () => appendFile(supergraph, '\n'),
    close: () => stack.disposeAsync(),
  };
}

const RETRY_MS = 50;
const GIVE_UP_MS = 60_000;

/** What the subgraph cannot take now, since it is being restarted, is tried again: the nonce makes it one message. */
async function untilTaken<T>(attempt: () => Promise<T>): Promise<T> {
  const giveUpAtMs = performance.now() + GIVE_UP_MS;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      if (performance.now() > giveUpAtMs) throw error;
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
}

/** A server of its own: thousands of events would keep the consumers of other tests busy. */
async function ownNats(stack: AsyncDisposableStack): Promise<string> {
  const args = (port: number, folder: string) => ['-a', '127.0.0.1', '-p', `${port}`, '-js', '-sd', folder];
  const server = stack.use(await restartableServer('nats-server', args));
  await server.start();
  return `nats://127.0.0.1:${server.port}`;
}

/** A way to the server at an address, which is the address with another port. */
async function proxyTo(address: string | null, stack: AsyncDisposableStack) {
  const url = new URL(address ?? '');
  const proxy = await startTcpProxy(url.hostname, Number(url.port));
  stack.defer(() => proxy.close());
  url.port = String(proxy.port);
  return { url: url.href.replace(/\/$/, ''), proxy };
}

async function startRestartable(
  script: string,
  args: readonly string[],
  env: Record<string, string>,
  stack: AsyncDisposableStack,
): Promise<Restartable> {
  const port = await freePort();
  const start = () => startProcess(script, args, { ...env, PORT: String(port) }, isReady);
  let running = await start();
  stack.defer(async () => void (await running.end('SIGTERM')));
  return {
    url: `http://127.0.0.1:${port}/graphql`,
    async restart() {
      await running.end('SIGKILL');
      running = await start();
    },
  };
}
