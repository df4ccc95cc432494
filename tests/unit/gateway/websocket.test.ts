import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { connectSocket, openSocket, type SocketMessage } from '../../support/graphql-ws-client.ts';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';

const TICKS = { query: 'subscription { ticks }' };
const subscribe = (id: string, payload: object = TICKS) => ({ type: 'subscribe', id, payload });
const codeOf = ({ payload }: SocketMessage) =>
  (payload as { extensions: { code: string } }[] | undefined)?.[0]?.extensions.code;

describe('graphql-transport-ws', () => {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway({ socketLimits: { maxOperations: 2, maxMessageBytes: 10_000 } });
  });
  after(() => gateway.close());

  test('works with the client of the graphql-ws package', async () => {
    const client = createClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
    });
    const upstream = gateway.engine.nextUpstream();
    const results = client.iterate<{ ticks: string }>(TICKS);
    const first = results.next();
    (await upstream).push('one');
    assert.deepEqual((await first).value?.data, { ticks: 'one' });
    (await upstream).end();
    assert.equal((await results.next()).done, true);
    await client.dispose();
  });

  test('runs queries and mutations, and completes them', async () => {
    const client = await connectSocket(gateway.url);
    client.send(
      subscribe('q', { query: 'query ($n: String) { hello(name: $n) }', variables: { n: 'socket' } }),
    );
    assert.deepEqual(await client.next(), {
      id: 'q',
      type: 'next',
      payload: { data: { hello: 'Hello, socket' } },
    });
    assert.deepEqual(await client.next(), { id: 'q', type: 'complete' });
    client.send(subscribe('m', { query: 'mutation { rename(name: "new") }' }));
    assert.deepEqual((await client.next()).payload, { data: { rename: 'new' } });
    await client.close();
  });

  test('closes with the code of a second operation under one id, however long that id is', async () => {
    const gateway = await startFakeGateway();
    for (const id of ['1', 'a'.repeat(500), '\u8a9e'.repeat(500), '\u{1f3b5}'.repeat(500)]) {
      const client = await connectSocket(gateway.url);
      client.send(subscribe(id));
      client.send(subscribe(id));
      const { code, reason } = await client.closed;
      assert.equal(code, 4409, id);
      assert.match(reason, /^Subscriber for /);
    }
    await gateway.close();
  });

  test('takes headers for subgraphs from connection_init, since a browser can give no others', async () => {
    const forwardHeaders = ['x-shop', 'x-desk', 'x-closed', 'x-veza-viewer'];
    const socketLimits = { initHeaders: ['x-shop', 'x-desk'] };
    const gateway = await startFakeGateway({ forwardHeaders, socketLimits, trustProxy: true });
    const query = `{ shop: header(name: "x-shop") desk: header(name: "x-desk") closed: header(name: "x-closed")
      viewer: header(name: "x-veza-viewer") address: header(name: "x-veza-client-ip") }`;
    const forged = { 'x-closed': 'c', 'x-veza-viewer': 'v', 'x-veza-client-ip': '1', 'x-forwarded-for': '2' };
    const cases: readonly [payload: object, shop: string | null, desk: string][] = [
      [{}, null, 'by a proxy'],
      [{ 'x-shop': 'own', 'x-desk': 'own', ...forged }, 'own', 'by a proxy'],
      [{ headers: { 'X-Shop': 'own', 'X-Desk': 'own', ...forged } }, 'own', 'by a proxy'],
      [{ 'x-shop': 7, headers: { 'x-shop': 'a\r\nx-closed: b' } }, null, 'by a proxy'],
      [{ headers: 'x-shop: own' }, null, 'by a proxy'],
    ];
    for (const [payload, shop, desk] of cases) {
      const client = await openSocket(gateway.url, { headers: { 'x-desk': 'by a proxy' } });
      client.send({ type: 'connection_init', payload });
      await client.next();
      client.send(subscribe('1', { query }));
      const data = { shop, desk, closed: null, viewer: null, address: '127.0.0.1' };
      assert.deepEqual((await client.next()).payload, { data });
      await client.close();
    }
    await gateway.close();
  });

  test('refuses an operation with coded errors under its own id, and leaves the socket open', async () => {
    const client = await connectSocket(gateway.url);
    const refusals = [
      ['{', 'GRAPHQL_PARSE_FAILED'],
      ['{ missing }', 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription { refused }', 'FORBIDDEN'],
    ];
    for (const [query, code] of refusals) {
      client.send(subscribe('x', { query }));
      const message = await client.next();
      assert.deepEqual([message.id, message.type, codeOf(message)], ['x', 'error', code]);
    }
    client.send(subscribe('x', { query: '{ broken }' }));
    const { payload } = await client.next();
    assert.match(JSON.stringify(payload), /Internal server error/);
    assert.doesNotMatch(JSON.stringify(payload), /password/);
    await client.close();
  });

  test('ends the upstream when the client completes, and lets the id be used again', async () => {
    const client = await connectSocket(gateway.url);
    client.send(subscribe('s'));
    const first = await gateway.engine.nextUpstream();
    client.send({ type: 'complete', id: 's' });
    await first.returned;
    client.send(subscribe('s'));
    const second = await gateway.engine.nextUpstream();
    first.push('late');
    second.push('new');
    assert.deepEqual((await client.next()).payload, { data: { ticks: 'new' } });
    await client.close();
    await second.returned;
  });

  test('ends every upstream when the connection drops', async () => {
    const client = await connectSocket(gateway.url);
    client.send(subscribe('a'));
    client.send(subscribe('b'));
    const upstreams = [await gateway.engine.nextUpstream(), await gateway.engine.nextUpstream()];
    client.socket.terminate();
    await Promise.all(upstreams.map(({ returned }) => returned));
  });

  test('runs no more operations on one socket than its limit', async () => {
    const client = await connectSocket(gateway.url);
    client.send(subscribe('a'));
    client.send(subscribe('b'));
    client.send(subscribe('c'));
    const message = await client.next();
    assert.deepEqual([message.id, message.type, codeOf(message)], ['c', 'error', 'RATE_LIMITED']);
    await gateway.engine.nextUpstream();
    await gateway.engine.nextUpstream();
    await client.close();
  });

  test('closes a socket that breaks the protocol, each offence with its code', async () => {
    const init = { type: 'connection_init' };
    const offences: [readonly (object | string | Buffer)[], number][] = [
      [['garbage'], 4400],
      [['{"type":"nonsense"}'], 4400],
      [['[]'], 4400],
      [[Buffer.from([0, 1, 2])], 4400],
      [[init, { type: 'subscribe', id: '', payload: TICKS }], 4400],
      [[init, { type: 'subscribe', id: 'x', payload: { query: 7 } }], 4400],
      [[{ type: 'next', id: 'x', payload: {} }], 4400],
      [[subscribe('x')], 4401],
      [[init, init], 4429],
      [[init, { type: 'ping', payload: { text: 'x'.repeat(20_000) } }], 1009],
    ];
    for (const [messages, code] of offences) {
      const client = await openSocket(gateway.url);
      for (const message of messages) client.send(message);
      assert.equal((await client.closed).code, code, JSON.stringify(messages).slice(0, 80));
    }
    const twice = await connectSocket(gateway.url);
    twice.send(subscribe('x'));
    await gateway.engine.nextUpstream();
    twice.send(subscribe('x'));
    assert.equal((await twice.closed).code, 4409);
    const other = await openSocket(gateway.url, { protocol: '' });
    assert.equal((await other.closed).code, 4406);
  });

  test('takes messages that come as binary ones, as the reference does', async () => {
    const client = await openSocket(gateway.url);
    const send = (message: object) => client.send(Buffer.from(JSON.stringify(message)));
    send({ type: 'connection_init' });
    assert.equal((await client.next()).type, 'connection_ack');
    send({ type: 'ping', payload: { text: 'hé' } });
    assert.deepEqual(await client.next(), { type: 'pong', payload: { text: 'hé' } });
    client.send(Buffer.from('{"type":"ping","payload":{"text":"\xe9"}}', 'latin1'));
    assert.equal((await client.closed).code, 4400);
  });

  test('survives frames that are not WebSocket at all', async () => {
    const client = await openSocket(gateway.url);
    const raw = (client.socket as unknown as { _socket: { write(data: Buffer): void } })._socket;
    raw.write(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x00, 0x01]));
    assert.equal((await client.closed).code, 1002);
    const next = await connectSocket(gateway.url);
    await next.close();
  });

  test('answers pings', async () => {
    const client = await connectSocket(gateway.url);
    client.send({ type: 'ping', payload: { at: 1 } });
    assert.deepEqual(await client.next(), { type: 'pong', payload: { at: 1 } });
    const pong = new Promise((resolve) => client.socket.once('pong', resolve));
    client.socket.ping();
    await pong;
    await client.close();
  });

  test('refuses pages of foreign origins at the upgrade [X10]', async () => {
    await assert.rejects(openSocket(gateway.url, { headers: { origin: 'https://evil.example' } }), /403/);
    const own = await openSocket(gateway.url, { headers: { origin: gateway.url } });
    await own.close();
  });

  test('forwards the authorization of connection_init where the gateway verifies none', async () => {
    const client = await connectSocket(gateway.url, { authorization: 'Bearer abc' });
    client.send(subscribe('q', { query: '{ header(name: "authorization") }' }));
    assert.deepEqual((await client.next()).payload, { data: { header: 'Bearer abc' } });
    await client.close();
  });
});
