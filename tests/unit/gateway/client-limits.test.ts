import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createClient } from 'graphql-ws';
import { WebSocket } from 'ws';
import { createLog } from '#platform/log.ts';
import { networkOf } from '#platform/network.ts';
import { createJwtAuth } from '../../../gateway/auth/jwt-auth.ts';
import type { FrontSettings } from '../../../gateway/front.ts';
import { createRateLimit } from '../../../gateway/traffic/rate-limit.ts';
import { serveTestGateway } from '../../support/federation/served-gateway.ts';
import { composeSupergraph } from '../../support/federation/supergraph.ts';
import { connectSocket, openSocket, type SocketClient } from '../../support/graphql-ws-client.ts';
import { openRaw, readUntil } from '../../support/raw-http.ts';
import { readEvents } from './event-reader.ts';
import { answerOf, codeOf, post, startFakeGateway } from './fake-gateway.ts';
import { createTokenIssuer } from './tokens.ts';

const HELLO = { query: '{ hello }' };
const TICKS = { query: 'subscription { ticks }' };
const FRIEND = 'https://app.example';
/** Tokens do not come back within any test. */
const once = (burst: number) => ({ perS: 1e-6, burst });
const from = (address: string) => ({ 'x-forwarded-for': `203.0.113.9, ${address}` });

async function start(clientLimits: FrontSettings['clientLimits'], more: Partial<FrontSettings> = {}) {
  const issuer = await createTokenIssuer();
  const auth = createJwtAuth({
    jwks: async () => issuer.jwks,
    secret: 'a secret of thirty-two characters!',
    log: createLog('gateway', 'silent'),
  });
  const gateway = await startFakeGateway({
    ...{ auth, trustProxy: true, corsOrigins: [FRIEND], clientLimits },
    ...more,
  });
  const close = async () => {
    await gateway.close();
    await auth.close();
  };
  const tokenOf = async (userId: string) => `Bearer ${await issuer.sign({ userId })}`;
  return { ...gateway, tokenOf, close };
}

/** A socket may be closed for its client a moment before it is for the gateway. */
async function connectOnceFree(url: string, payload: Record<string, unknown>): Promise<SocketClient> {
  for (;;) {
    const client = await connectSocket(url, payload).catch(() => null);
    if (client) return client;
  }
}

const closeOf = async (opening: Promise<SocketClient>) => (await (await opening).closed).code;

describe('a token bucket', () => {
  test('gives what it has saved up at once, then one after the other, and says how long the next one takes', () => {
    let nowMs = 0;
    const limit = createRateLimit({ perS: 10, burst: 3 }, () => nowMs);
    assert.deepEqual(
      [0, 0, 0, 0].map(() => limit.take('a')),
      [0, 0, 0, 100],
    );
    assert.equal(limit.take('b'), 0, 'every key has its own');
    nowMs = 60;
    assert.equal(limit.take('a'), 40, 'what was refused has taken nothing');
    nowMs = 100;
    assert.deepEqual(
      [0, 0].map(() => limit.take('a')),
      [0, 100],
    );
    nowMs = 100_000;
    assert.deepEqual(
      [0, 0, 0, 0].map(() => limit.take('a')),
      [0, 0, 0, 100],
      'no more than the burst is saved up',
    );
  });
});

test('a client is an IPv4 address, or the network that an IPv6 address is chosen from', () => {
  for (const [address, network] of [
    ['192.0.2.7', '192.0.2.7'],
    ['::ffff:192.0.2.7', '192.0.2.7'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2'],
    ['2001:DB8:1:2::9', '2001:db8:1:2'],
    ['2001:db8::9', '2001:db8:0:0'],
    ['2001:0db8:0000:0000::9', '2001:db8:0:0'],
    ['::1', '0:0:0:0'],
    ['fe80::', 'fe80:0:0:0'],
  ] as const)
    assert.equal(networkOf(address), network, address);
});

describe('limits of one client', () => {
  test('on requests answer 429 in the form of the protocol, and leave other addresses alone', async () => {
    const gateway = await start({ perAddress: { requests: once(2) } });
    const ask = (headers: Record<string, string>) => post(gateway, HELLO, headers);
    assert.equal((await ask(from('192.0.2.1'))).status, 200);
    assert.equal((await ask(from('::ffff:192.0.2.1'))).status, 200);
    const type = 'application/graphql-response+json';
    const refused = await ask({ ...from('192.0.2.1'), origin: FRIEND, accept: type });
    assert.deepEqual([refused.status, codeOf(refused)], [429, 'RATE_LIMITED']);
    assert.equal(refused.headers.get('content-type'), `${type}; charset=utf-8`);
    assert.equal(refused.headers.get('access-control-allow-origin'), FRIEND);
    const { retryAfterMs, correlationId } = refused.body.errors?.[0]?.extensions ?? {};
    assert.equal(refused.headers.get('retry-after'), String(Math.ceil(Number(retryAfterMs) / 1_000)));
    assert.equal(refused.headers.get('x-correlation-id'), correlationId);
    assert.equal((await ask(from('192.0.2.2'))).status, 200);

    const headers = { ...from('192.0.2.1'), origin: FRIEND, 'access-control-request-method': 'POST' };
    assert.equal((await fetch(`${gateway.url}/graphql`, { method: 'OPTIONS', headers })).status, 204);
    assert.equal((await fetch(`${gateway.url}/health/live`, { headers: from('192.0.2.1') })).status, 200);
    await gateway.close();
  });

  test('on requests follow a user from address to address', async () => {
    const gateway = await start({ perIdentity: { requests: once(1) } });
    const [ada, bob] = [await gateway.tokenOf('usr_ada'), await gateway.tokenOf('usr_bob')];
    const ask = async (authorization: string, address: string) =>
      (await post(gateway, HELLO, { authorization, ...from(address) })).status;
    assert.deepEqual(
      [await ask(ada, '192.0.2.1'), await ask(ada, '192.0.2.2'), await ask(bob, '192.0.2.1')],
      [200, 429, 200],
    );
    assert.deepEqual([(await post(gateway, HELLO)).status, (await post(gateway, HELLO)).status], [200, 200]);
    await gateway.close();
  });

  test('on requests hold for operations of sockets, which are refused under their id', async () => {
    const gateway = await start({ perIdentity: { requests: once(2) } });
    const authorization = await gateway.tokenOf('usr_ada');
    assert.equal((await post(gateway, HELLO, { authorization })).status, 200);
    const client = await connectSocket(gateway.url, { authorization });
    client.send({ type: 'subscribe', id: 'a', payload: HELLO });
    assert.deepEqual([(await client.next()).type, (await client.next()).type], ['next', 'complete']);
    client.send({ type: 'subscribe', id: 'b', payload: HELLO });
    const refused = await client.next();
    assert.deepEqual([refused.id, refused.type], ['b', 'error']);
    assert.match(JSON.stringify(refused.payload), /"retryAfterMs":\d+,"code":"RATE_LIMITED"/);
    await client.close();
    await gateway.close();
  });

  test('on connections close the next socket with 1013, which clients of graphql-ws try again', async () => {
    const gateway = await start({ perAddress: { maxOpen: 1 } });
    const first = await connectSocket(gateway.url);
    assert.equal(await closeOf(openSocket(gateway.url)), 1013);
    const other = await connectSocket(gateway.url, {}, { headers: from('192.0.2.2') });
    const refusals: number[] = [];
    const client = createClient({
      url: `${gateway.url.replace('http', 'ws')}/graphql`,
      webSocketImpl: WebSocket,
      retryAttempts: 1_000,
      retryWait: async () => {
        await first.close();
      },
      on: { closed: (event) => void refusals.push((event as { code: number }).code) },
    });
    const results = client.iterate(HELLO);
    assert.deepEqual((await results.next()).value?.data, { hello: 'Hello, world' });
    assert.equal(refusals[0], 1013);
    await results.return?.(undefined);
    await client.dispose();
    await other.close();
    await gateway.close();
  });

  test('on connections count those of a user wherever they come from, event streams among them', async () => {
    const gateway = await start({ perIdentity: { maxOpen: 2 } });
    const authorization = await gateway.tokenOf('usr_ada');
    const socket = await connectSocket(gateway.url, { authorization }, { headers: from('192.0.2.1') });
    const stream = await readEvents(gateway.url, TICKS, { authorization, ...from('192.0.2.2') });
    const upstream = await gateway.engine.nextUpstream();
    const third = await openSocket(gateway.url, { headers: from('192.0.2.3') });
    third.send({ type: 'connection_init', payload: { authorization } });
    assert.equal((await third.closed).code, 1013);
    const { response } = await readEvents(gateway.url, TICKS, { authorization });
    assert.deepEqual([response.status, codeOf(await answerOf(response))], [429, 'RATE_LIMITED']);

    upstream.end();
    while (await stream.next());
    const next = await connectSocket(gateway.url, { authorization });
    const other = await connectSocket(gateway.url, { authorization: await gateway.tokenOf('usr_bob') });
    for (const client of [socket, next, other]) await client.close();
    await gateway.close();
  });

  test('on new sockets close those that come too fast with 1013', async () => {
    const gateway = await start({ perAddress: { sockets: once(2) } });
    for (let at = 0; at < 2; at += 1) await (await connectSocket(gateway.url)).close();
    assert.equal(await closeOf(openSocket(gateway.url)), 1013);
    await gateway.close();
  });

  test('are forgotten with the sockets that they counted, however those end', async () => {
    const gateway = await start({ perAddress: { maxOpen: 1 }, perIdentity: { maxOpen: 1 } });
    const authorization = await gateway.tokenOf('usr_ada');
    for (const end of [
      (client: SocketClient) => client.socket.terminate(),
      (client: SocketClient) => client.send('garbage'),
      (client: SocketClient) => client.socket.close(),
    ]) {
      const client = await connectOnceFree(gateway.url, { authorization });
      client.send({ type: 'subscribe', id: 's', payload: TICKS });
      const upstream = await gateway.engine.nextUpstream();
      end(client);
      await client.closed;
      await upstream.returned;
    }
    await gateway.close();
  });
});

test('a socket without an operation is let go after a while, one with a silent subscription is not', async () => {
  const gateway = await startFakeGateway({ socketLimits: { idleMs: 20, sweepMs: 5 } });
  const busy = await connectSocket(gateway.url);
  busy.send({ type: 'subscribe', id: 's', payload: TICKS });
  const upstream = await gateway.engine.nextUpstream();
  const idle = await connectSocket(gateway.url);
  assert.deepEqual(await idle.closed, { code: 4408, reason: 'No operation' });
  assert.equal(busy.socket.readyState, busy.socket.OPEN);
  upstream.end();
  assert.deepEqual(await busy.closed, { code: 4408, reason: 'No operation' });
  await gateway.close();
});

test('what the configuration file says of clients, sockets and answers holds', async () => {
  const gateway = await serveTestGateway({
    supergraphSdl: composeSupergraph({ goods: { typeDefs: 'type Query { a: Int }' } }),
    connect: () => ({
      fetch: async () => ({ data: { a: 1 } }),
      subscribe: async () => ({ errors: [] }),
      close: async () => undefined,
    }),
    yaml: `
http: { compression: { minBytes: 1 }, bodyTimeoutMs: 20 }
sockets: { maxMessageBytes: 100 }
clients: { perAddress: { requests: { perS: 0.000001, burst: 2 }, maxOpen: 1 } }`,
  });
  const first = await post(gateway, { query: '{ a }' }, { 'accept-encoding': 'br' });
  assert.equal(first.headers.get('content-encoding'), 'br');
  const stalled = await openRaw(
    Number(new URL(gateway.url).port),
    'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{',
  );
  assert.match(await readUntil(stalled, '\r\n'), / 408 /);
  stalled.destroy();
  assert.equal((await post(gateway, { query: '{ a }' })).status, 429);
  const client = await connectSocket(gateway.url);
  assert.equal(await closeOf(openSocket(gateway.url)), 1013);
  client.send({ type: 'ping', payload: { text: 'x'.repeat(100) } });
  assert.equal((await client.closed).code, 1009);
  await gateway.close();
});
