import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { after, test } from 'node:test';
import { WebSocketServer, type WebSocket } from 'ws';
import { createLog } from '#platform/log.ts';
import { isResultStream } from '#platform/subgraph-endpoint.ts';
import { createSubgraphSocket } from '#platform/subgraph-socket.ts';
import type { SubgraphFetch } from '../../../gateway/engine/client/subgraph-client.ts';
import { createWebSocketClient } from '../../../gateway/engine/client/websocket.ts';
import { createFeed } from '../../support/federation/feed.ts';
import { createTestEndpoint } from '../../support/federation/supergraph.ts';

const fetchOf = (query: string, extra: Partial<SubgraphFetch> = {}): SubgraphFetch => ({
  operation: {
    query,
    operationName: undefined,
    kind: 'subscription',
    bodyPrefix: `{"query":${JSON.stringify(query)},"variables":{`,
  },
  variables: {},
  representations: null,
  headers: { who: 'ada' },
  signal: new AbortController().signal,
  ...extra,
});

/** A real subgraph socket over the feed, and a client to it. */
async function connected() {
  const feed = createFeed();
  const { feed: subgraph } = feed.subgraphs;
  assert.ok(subgraph);
  const socket = createSubgraphSocket(createTestEndpoint(subgraph), createLog('test', 'silent'));
  const server = createServer();
  const opened: unknown[] = [];
  server.on('upgrade', (request, raw, head) => {
    opened.push(raw);
    socket.handleUpgrade(request, raw, head);
  });
  const client = createWebSocketClient({ name: 'feed', url: await listenOn(server) });
  after(async () => {
    await client.close();
    await socket.close();
    server.close();
  });
  return { feed, socket, client, opened };
}

async function listenOn(server: ReturnType<typeof createServer>): Promise<string> {
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const address = server.address();
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/graphql`;
}

async function live(subscribing: ReturnType<ReturnType<typeof createWebSocketClient>['subscribe']>) {
  const stream = await subscribing;
  assert.ok(isResultStream(stream));
  return stream;
}

test('shares one socket among subscriptions, each with the headers of its caller', async () => {
  const { feed, client, opened } = await connected();
  const query = 'subscription { posted { headers } }';
  const ada = await live(client.subscribe(fetchOf(query)));
  const bob = await live(client.subscribe(fetchOf(query, { headers: { who: 'bob' } })));
  feed.publish('1', 'a');
  const answers = await Promise.all([ada.next(), bob.next()]);
  assert.deepEqual(
    answers.map(({ value }) => value?.data),
    [{ posted: { headers: '{"who":"ada"}' } }, { posted: { headers: '{"who":"bob"}' } }],
  );
  assert.equal(opened.length, 1);
  await Promise.all([ada.return(), bob.return()]);
});

test('resolves only once the subgraph has the subscription: an event published then is delivered', async () => {
  const { feed, client } = await connected();
  for (const id of ['1', '2', '3']) {
    const stream = await live(client.subscribe(fetchOf('subscription { posted { id } }')));
    feed.publish(id, 'a');
    assert.deepEqual((await stream.next()).value, { data: { posted: { id } } });
    await stream.return();
  }
});

test('closing a stream ends the subscription in the subgraph', async () => {
  const { feed, client } = await connected();
  const stream = await live(client.subscribe(fetchOf('subscription { posted { id } }')));
  const waiting = stream.next();
  await stream.return();
  assert.equal((await waiting).done, true);
  await feed.closed;
});

test('answers with the errors of a subgraph that refuses', async () => {
  const { client } = await connected();
  const result = await client.subscribe(fetchOf('subscription { posted(fail: true) { id } }'));
  assert.ok(!isResultStream(result));
  assert.equal(result.errors?.[0]?.message, 'no feed');
});

test('a lost socket ends its streams with an error, and the next subscription connects anew', async () => {
  const { feed, client, opened } = await connected();
  const stream = await live(client.subscribe(fetchOf('subscription { posted { id } }')));
  const waiting = stream.next();
  for (const raw of opened) (raw as { destroy(): void }).destroy();
  await assert.rejects(waiting, { code: 'SUBGRAPH_UNAVAILABLE' });
  const again = await live(client.subscribe(fetchOf('subscription { posted { id } }')));
  feed.publish('2', 'a');
  assert.deepEqual((await again.next()).value, { data: { posted: { id: '2' } } });
  await again.return();
});

test('reports a subgraph that does not listen', async () => {
  const client = createWebSocketClient({ name: 'feed', url: 'http://127.0.0.1:1/' });
  await assert.rejects(client.subscribe(fetchOf('subscription { posted { id } }')), {
    code: 'SUBGRAPH_UNAVAILABLE',
  });
});

/** A server that speaks the protocol up to its acknowledgement and then does what `onSubscribe` says. */
async function scripted(onSubscribe: (socket: WebSocket, id: string) => void) {
  const server = createServer();
  const sockets = new WebSocketServer({ server, handleProtocols: () => 'graphql-transport-ws' });
  sockets.on('connection', (socket) => {
    socket.on('message', (data: Buffer) => {
      const message: { type: string; id: string } = JSON.parse(data.toString());
      if (message.type === 'connection_init') socket.send('{"type":"connection_ack"}');
      if (message.type === 'subscribe') onSubscribe(socket, message.id);
    });
  });
  const client = createWebSocketClient({
    name: 'feed',
    url: await listenOn(server),
    pingTimeoutMs: 50,
    maxQueuedEvents: 2,
  });
  after(async () => {
    await client.close();
    for (const socket of sockets.clients) socket.terminate();
    server.close();
  });
  return client;
}

test('gives up a socket that answers no ping', async () => {
  const client = await scripted(() => undefined);
  await assert.rejects(client.subscribe(fetchOf('subscription { posted { id } }')), {
    code: 'SUBGRAPH_UNAVAILABLE',
  });
});

test('survives messages that are not of the protocol', async () => {
  const client = await scripted((socket) => socket.send('garbage'));
  await assert.rejects(client.subscribe(fetchOf('subscription { posted { id } }')), {
    code: 'SUBGRAPH_UNAVAILABLE',
  });
});

test('ends a stream that is read too slowly with an error after what it kept', async () => {
  const client = await scripted((socket, id) => {
    for (let n = 1; n <= 4; n++) {
      socket.send(JSON.stringify({ id, type: 'next', payload: { data: { n } } }));
    }
    socket.send('{"type":"pong"}');
  });
  const stream = await live(client.subscribe(fetchOf('subscription { posted { id } }')));
  await assert.rejects(
    async () => {
      for (let n = 1; ; n++) assert.deepEqual((await stream.next()).value, { data: { n } });
    },
    { code: 'SLOW_CONSUMER' },
  );
});
