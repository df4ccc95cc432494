import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { connectSocket, type SocketMessage } from '../../support/graphql-ws-client.ts';
import { readEvents } from './event-reader.ts';
import { codeOf, post, startFakeGateway, type FakeGateway } from './fake-gateway.ts';
import { APOLLO_ACCEPT, readParts } from './parts-reader.ts';
import { reserve } from './stream-client.ts';

const NOT_FOUND = 'PERSISTED_QUERY_NOT_FOUND';

/** What names a text by its hash alone. */
const hashOf = (query: string) => ({
  extensions: {
    persistedQuery: { version: 1, sha256Hash: createHash('sha256').update(query).digest('hex') },
  },
});
const codeIn = ({ errors = [] }: { readonly errors?: { extensions: Record<string, unknown> }[] }) =>
  errors[0]?.extensions['code'];
const errorOf = ({ type, payload }: SocketMessage) => [type, codeIn({ errors: payload as [] })];

describe('automatic persisted queries', () => {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway();
  });
  after(() => gateway.close());

  /** The one event of a subscription that was begun, as `read` gives it. */
  const tick = async <T>(read: () => Promise<T>): Promise<T> => {
    const upstream = await gateway.engine.nextUpstream();
    upstream.push('now');
    const result = await read();
    upstream.end();
    return result;
  };

  test('run over a WebSocket, where the text need not be there at all', async () => {
    const query = 'subscription OverSocket { ticks }';
    const client = await connectSocket(gateway.url);
    const ask = (payload: object) => client.send({ type: 'subscribe', id: '1', payload });
    for (const text of [undefined, null, '']) {
      ask({ ...hashOf(query), query: text });
      assert.deepEqual(errorOf(await client.next()), ['error', NOT_FOUND]);
    }
    ask({ ...hashOf('another'), query });
    assert.deepEqual(errorOf(await client.next()), ['error', 'BAD_REQUEST']);
    for (const text of [query, undefined, null]) {
      ask({ ...hashOf(query), query: text });
      assert.deepEqual((await tick(() => client.next())).payload, { data: { ticks: 'now' } });
      assert.equal((await client.next()).type, 'complete');
    }
    ask({});
    assert.equal((await client.closed).code, 4400);
  });

  test('run over a WebSocket with the client of the graphql-ws package', async () => {
    const query = '{ hello(name: "package") }';
    const url = `${gateway.url.replace('http', 'ws')}/graphql`;
    const client = createClient({ url, webSocketImpl: WebSocket });
    await post(gateway, { query, ...hashOf(query) });
    const results = client.iterate({ query: '', ...hashOf(query) });
    assert.deepEqual((await results.next()).value, { data: { hello: 'Hello, package' } });
    await client.dispose();
  });

  test('run as server-sent events, where their faults are events, too', async () => {
    const query = 'subscription AsEvents { ticks }';
    const refusalOf = async (operation: object) => {
      const stream = await readEvents(gateway.url, operation);
      const { data } = (await stream.next()) ?? { data: '{}' };
      assert.equal((await stream.next())?.event, 'complete');
      return codeIn(JSON.parse(data));
    };
    assert.equal(await refusalOf(hashOf(query)), NOT_FOUND);
    assert.equal(await refusalOf({ ...hashOf('another'), query }), 'BAD_REQUEST');
    assert.equal(await refusalOf({ query, extensions: { persistedQuery: { version: 2 } } }), 'BAD_REQUEST');
    for (const operation of [{ query, ...hashOf(query) }, hashOf(query)]) {
      const stream = await readEvents(gateway.url, operation);
      assert.equal((await tick(() => stream.next()))?.data, '{"data":{"ticks":"now"}}');
      assert.equal((await stream.next())?.event, 'complete');
    }
  });

  test('run in parts, where Apollo Client tries the hash first', async () => {
    const query = 'subscription InParts { ticks }';
    const tried = await post(gateway, hashOf(query), { accept: APOLLO_ACCEPT });
    assert.deepEqual([tried.status, codeOf(tried)], [200, NOT_FOUND]);
    for (const operation of [{ query, ...hashOf(query) }, hashOf(query)]) {
      const parts = await readParts(gateway.url, operation);
      assert.deepEqual(await tick(() => parts.next()), { payload: { data: { ticks: 'now' } } });
      assert.equal(await parts.next(), null);
    }
  });

  test('run over a stream that operations share, where their faults answer the request', async () => {
    const query = '{ hello(name: "shared") }';
    const { token, open } = await reserve(gateway.url);
    const stream = await open();
    const start = (operation: object) => post(gateway, operation, { 'x-graphql-event-stream-token': token });
    const named = { extensions: { ...hashOf(query).extensions, operationId: 'a' } };
    const unknown = await start(named);
    assert.deepEqual([unknown.status, codeOf(unknown)], [404, NOT_FOUND]);
    await post(gateway, { query, ...hashOf(query) });
    await assert.rejects(start(named), /JSON/, 'an accepted operation has an empty answer');
    assert.deepEqual((await stream.nextMessage())?.payload, { data: { hello: 'Hello, shared' } });
    stream.cancel();
  });

  test('are those of all transports', async () => {
    const query = '{ hello(name: "everywhere") }';
    const client = await connectSocket(gateway.url);
    client.send({ type: 'subscribe', id: '1', payload: { query, ...hashOf(query) } });
    assert.equal((await client.next()).type, 'next');
    assert.deepEqual((await post(gateway, hashOf(query))).body, { data: { hello: 'Hello, everywhere' } });
    await client.close();
  });

  test('are kept only where they are valid', async () => {
    const query = '{ nope }';
    const stream = await readEvents(gateway.url, { query, ...hashOf(query) });
    assert.match((await stream.next())?.data ?? '', /GRAPHQL_VALIDATION_FAILED/);
    assert.equal(codeOf(await post(gateway, hashOf(query))), NOT_FOUND);
  });
});
