import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { after, test } from 'node:test';
import { parse } from 'graphql';
import { createLog } from '#platform/log.ts';
import { isResultStream } from '#platform/subgraph-endpoint.ts';
import { createHttpClient } from '../../../gateway/engine/client/http.ts';
import { createInProcessClient } from '../../../gateway/engine/client/in-process.ts';
import { createEngine } from '../../../gateway/engine/create-engine.ts';
import { isIncremental } from '../../../gateway/engine/engine.ts';
import {
  composeSupergraph,
  createTestEndpoint,
  testScope,
  type TestSubgraph,
} from '../../support/federation/supergraph.ts';
import { createFeed } from '../../support/federation/feed.ts';

const names = { typeDefs: 'type Author @key(fields: "id") { id: ID! name: String }' };
const REFERENCE = 'type Author @key(fields: "id", resolvable: false) { id: ID!';
/** The same for clients, but nobody needs `names` any more. */
const withoutNames = ({ typeDefs }: TestSubgraph) =>
  composeSupergraph({
    feed: { typeDefs: typeDefs.replace(REFERENCE, 'type Author { id: ID! name: String') },
  });

/** An engine over `feed` in process and `names` behind a real listener, for which the test answers. */
async function start(feed: TestSubgraph) {
  const server = createServer((_request, response) => arrived.resolve(response));
  let arrived = Promise.withResolvers<ServerResponse>();
  let gone = Promise.withResolvers<void>();
  let open = 0;
  server.on('connection', (socket) => {
    open += 1;
    socket.once('close', () => {
      open -= 1;
      if (open === 0) gone.resolve();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const { port } = server.address() as AddressInfo;
  const clients = (name: string) =>
    name === 'names'
      ? createHttpClient({ name, url: `http://127.0.0.1:${port}/graphql` })
      : createInProcessClient(createTestEndpoint(feed));
  const sdl = composeSupergraph({ feed, names });
  const engine = createEngine({ sdl, clients, log: createLog('test', 'silent') });
  after(async () => {
    await engine.close();
    server.closeAllConnections();
    server.close();
  });
  return {
    engine,
    isConnected: () => open > 0,
    /** Resolves when the last connection that is open after this call is gone. */
    allGone() {
      gone = Promise.withResolvers();
      return gone.promise;
    },
    /** Resolves with the next request that arrives, for the test to answer. */
    nextRequest() {
      arrived = Promise.withResolvers();
      return arrived.promise;
    },
    bringBack: () => engine.swap(sdl),
    remove: () => engine.swap(withoutNames(feed)),
  };
}

const answer = (response: ServerResponse) =>
  response.end('{"data":{"_entities":[{"__typename":"Author","name":"Ada"}]}}');

async function startFeed() {
  const feed = createFeed();
  const { feed: subgraph } = feed.subgraphs;
  assert.ok(subgraph);
  const gateway = await start(subgraph);
  const subscribe = async () => {
    const stream = await gateway.engine.subscribe(
      { query: 'subscription { posted { id author { name } } }' },
      testScope(),
    );
    assert.ok(isResultStream(stream));
    return stream;
  };
  return { ...gateway, subscribe, publish: () => feed.publish('1', 'a') };
}

const EVENT = { value: { data: { posted: { id: '1', author: { name: 'Ada' } } } } };

test('connections to a removed subgraph stay for subscriptions that were planned with it, and close with the last one', async () => {
  const gateway = await startFeed();
  const stream = await gateway.subscribe();
  const request = gateway.nextRequest();
  const event = stream.next();
  gateway.publish();
  const held = await request;
  gateway.remove();
  answer(held);
  assert.deepEqual(await event, EVENT);

  // The new plan asks the upstream for other fields, so that the old one goes on completing the events.
  const later = gateway.nextRequest();
  const second = stream.next();
  gateway.publish();
  answer(await later);
  assert.deepEqual(await second, EVENT);
  assert.ok(gateway.isConnected());

  const gone = gateway.allGone();
  await stream.return();
  await gone;
});

test('a subgraph that a later swap brings back is reached again', async () => {
  const gateway = await startFeed();
  for (let round = 0; round < 2; round += 1) {
    const stream = await gateway.subscribe();
    const request = gateway.nextRequest();
    const event = stream.next();
    gateway.publish();
    answer(await request);
    assert.deepEqual(await event, EVENT);
    await stream.return();
    const gone = gateway.allGone();
    gateway.remove();
    await gone;
    gateway.bringBack();
  }
});

/** Its first fetch is held until the test lets it go; `names` comes second. */
async function startQueries() {
  let asked = Promise.withResolvers<void>();
  let held = Promise.withResolvers<void>();
  const author = async () => {
    asked.resolve();
    await held.promise;
    return { id: 'a' };
  };
  const gateway = await start({
    typeDefs: `type Query { author: Author count: Int } ${REFERENCE} }`,
    resolvers: { Query: { author } },
  });
  return {
    ...gateway,
    hold() {
      asked = Promise.withResolvers();
      held = Promise.withResolvers();
      return { asked: asked.promise, release: held.resolve };
    },
  };
}

test('a query that began before its subgraph was removed still reaches it afterwards, whichever way it came in', async () => {
  const gateway = await startQueries();
  const query = '{ author { name } }';
  const ways = [
    () => gateway.engine.execute({ query }, testScope()),
    () => gateway.engine.executeDocument(parse(query), null, {}, testScope()),
  ];
  for (const run of ways) {
    const { asked, release } = gateway.hold();
    const result = run();
    await asked;
    gateway.remove();
    const request = gateway.nextRequest();
    release();
    const gone = gateway.allGone();
    answer(await request);
    assert.deepEqual(await result, { data: { author: { name: 'Ada' } } });
    await gone;
    gateway.bringBack();
  }
});

test('a document that was validated before the swap runs on what it was validated for, and leaves nothing open', async () => {
  const gateway = await startQueries();
  const { apiSchema } = gateway.engine;
  gateway.hold().release();
  gateway.remove();
  const request = gateway.nextRequest();
  const result = gateway.engine.executeDocument(
    parse('{ author { name } }'),
    null,
    {},
    testScope(),
    apiSchema,
  );
  const response = await request;
  const gone = gateway.allGone();
  answer(response);
  assert.deepEqual(await result, { data: { author: { name: 'Ada' } } });
  await gone;
});

test('deferred parts keep their subgraph until they are delivered', async () => {
  const gateway = await startQueries();
  const { asked, release } = gateway.hold();
  const result = await gateway.engine.executeInParts(
    { query: '{ count ... @defer { author { name } } }' },
    testScope(),
  );
  assert.ok(isIncremental(result));
  await asked;
  gateway.remove();
  const request = gateway.nextRequest();
  release();
  const response = await request;
  const gone = gateway.allGone();
  answer(response);
  const { value } = await result.subsequent.next();
  assert.deepEqual(value?.incremental, [{ data: { author: { name: 'Ada' } }, path: [] }]);
  await gone;
});
