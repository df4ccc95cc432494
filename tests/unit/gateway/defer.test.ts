import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { listen, type HttpListener } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import type { GatewayAuth } from '../../../gateway/auth/auth.ts';
import { createGrants } from '../../../gateway/engine/authorization/grants.ts';
import { createApolloGateway, type FrontScope } from '../../../gateway/engine/apollo-gateway.ts';
import { createFront, type Front } from '../../../gateway/front.ts';
import { shopSubgraphs } from '../../support/federation/shop.ts';
import { createTestGateway } from '../../support/federation/supergraph.ts';
import { connectSocket } from '../../support/graphql-ws-client.ts';
import { readEvents } from './event-reader.ts';
import { reserve } from './stream-client.ts';

const DEFER = 'multipart/mixed; deferSpec=20220824';
const QUERY = '{ me { name ... @defer(label: "late") { reviews { body } } } }';
const REVIEWS = [{ body: 'Good' }, null, { body: null }];

describe('@defer', () => {
  const { engine } = createTestGateway(shopSubgraphs());
  let front: Front;
  let listener: HttpListener;
  let url = '';
  before(async () => {
    const log = createLog('gateway', 'silent');
    const apollo = createApolloGateway(engine, (context) => context as FrontScope);
    front = await createFront(engine, apollo, { auth: null, log, metrics: createMetrics('gateway') });
    const { routes, upgrades } = front;
    listener = await listen({ host: '127.0.0.1', port: 0, routes, upgrades, log });
    url = `http://127.0.0.1:${listener.port}`;
  });
  after(async () => {
    await front.drain(0);
    await listener.close(0);
    await front.close();
  });

  const post = (body: unknown, accept: string) =>
    fetch(`${url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept },
      body: JSON.stringify(body),
    });

  test('is delivered as multipart/mixed to a client that accepts it', async () => {
    const response = await post({ query: QUERY }, `${DEFER}, application/json`);
    assert.equal(response.status, 200);
    assert.equal(
      response.headers.get('content-type'),
      'multipart/mixed; boundary="graphql"; deferSpec=20220824',
    );
    assert.equal(response.headers.get('x-accel-buffering'), 'no');
    assert.deepEqual(partsOf(await response.text()), [
      { data: { me: { name: 'Ada' } }, hasNext: true },
      { incremental: [{ data: { reviews: REVIEWS }, path: ['me'], label: 'late' }], hasNext: false },
    ]);
  });

  test('has no form for a batch: its client is told so, or gets it whole', async () => {
    const batch = [{ query: QUERY }, { query: '{ me { name } }' }];
    const refused = await post(batch, DEFER);
    assert.equal(refused.status, 406);
    assert.match(await refused.text(), /"code":"NOT_ACCEPTABLE"/);
    const whole = await post(batch, `${DEFER}, application/json`);
    assert.deepEqual(await whole.json(), [
      { data: { me: { name: 'Ada', reviews: REVIEWS } } },
      { data: { me: { name: 'Ada' } } },
    ]);
  });

  test('is answered whole in one response to every other client', async () => {
    for (const accept of ['application/json', '*/*', 'multipart/mixed, application/json']) {
      const response = await post({ query: QUERY }, accept);
      assert.match(response.headers.get('content-type') ?? '', /^application\/json/);
      assert.deepEqual(await response.json(), { data: { me: { name: 'Ada', reviews: REVIEWS } } });
    }
  });

  test('leaves what defers nothing a plain answer, and one part for clients that read only parts', async () => {
    const query = '{ me { name ... @defer(if: false) { id } } }';
    const answer = { data: { me: { name: 'Ada', id: 'u1' } } };
    const both = await post({ query }, `${DEFER}, application/json;q=0.9`);
    assert.deepEqual(await both.json(), answer);
    const only = await post({ query }, DEFER);
    assert.match(only.headers.get('content-type') ?? '', /^multipart\/mixed/);
    assert.deepEqual(partsOf(await only.text()), [{ ...answer, hasNext: false }]);
  });

  test('is answered whole within a batch', async () => {
    const response = await post([{ query: QUERY }, { query: '{ me { id } }' }], `${DEFER}, application/json`);
    const [first] = (await response.json()) as object[];
    assert.deepEqual(first, { data: { me: { name: 'Ada', reviews: REVIEWS } } });
  });

  test('presents errors of late parts as those of the answer: coded and with the correlation id', async () => {
    const query = '{ users { id ... @defer { email } } }';
    const response = await post({ query }, DEFER);
    const correlationId = response.headers.get('x-correlation-id');
    const [, late] = partsOf(await response.text()) as {
      incremental: { errors?: { extensions: object }[] }[];
    }[];
    const [error] = late?.incremental.flatMap(({ errors = [] }) => errors) ?? [];
    assert.deepEqual(error?.extensions, { code: 'SUBGRAPH_ERROR', service: 'shipping', correlationId });
  });

  test('comes over a WebSocket as several next messages of one operation', async () => {
    const client = await connectSocket(url);
    client.send({ id: '1', type: 'subscribe', payload: { query: QUERY } });
    assert.deepEqual((await client.next()).payload, { data: { me: { name: 'Ada' } }, hasNext: true });
    const incremental = [{ data: { reviews: REVIEWS }, path: ['me'], label: 'late' }];
    assert.deepEqual((await client.next()).payload, { incremental, hasNext: false });
    assert.deepEqual(await client.next(), { id: '1', type: 'complete' });
    await client.close();
  });

  test('comes as several next events to a client that reads nothing but those, and over a shared stream', async () => {
    const incremental = [{ data: { reviews: REVIEWS }, path: ['me'], label: 'late' }];
    const parts = [
      { data: { me: { name: 'Ada' } }, hasNext: true },
      { incremental, hasNext: false },
    ];
    const stream = await readEvents(url, { query: QUERY });
    for (const part of parts) assert.deepEqual(JSON.parse((await stream.next())?.data ?? ''), part);
    assert.equal((await stream.next())?.event, 'complete');
    const client = await reserve(url);
    const shared = await client.open();
    assert.equal((await client.start('a', QUERY)).status, 202);
    for (const payload of parts)
      assert.deepEqual(await shared.nextMessage(), { event: 'next', id: 'a', payload });
    assert.deepEqual(await shared.nextMessage(), { event: 'complete', id: 'a' });
    shared.cancel();
  });

  test('presents errors of late events as those of the answer', async () => {
    const query = '{ users { id ... @defer { email } } }';
    const stream = await readEvents(url, { query });
    await stream.next();
    const correlationId = stream.response.headers.get('x-correlation-id');
    const late = (await stream.next())?.data ?? '';
    assert.match(
      late,
      new RegExp(`"code":"SUBGRAPH_ERROR","service":"shipping","correlationId":"${correlationId}"`),
    );
    stream.cancel();
  });
});

/** By RFC 2046: what lies between the delimiters, without headers. */
function partsOf(body: string): unknown[] {
  assert.ok(body.endsWith('\r\n--graphql--\r\n'));
  return body
    .slice(0, body.lastIndexOf('\r\n--graphql--'))
    .split('\r\n--graphql\r\n')
    .slice(1)
    .map((part) => JSON.parse(part.slice(part.indexOf('\r\n\r\n') + 4)));
}

test('an answer in parts ends with its session: what is deferred is not delivered any more', async () => {
  const { engine, replaced } = createTestGateway(shopSubgraphs());
  const asked = Promise.withResolvers<AbortSignal>();
  replaced.set('reviews', ({ signal }) => {
    asked.resolve(signal);
    return new Promise((resolve) => signal.addEventListener('abort', () => resolve({ data: null })));
  });
  const listeners = new Set<(sessionId: string) => void>();
  const viewer = { userId: 'usr_1', sessionId: 'ses_1', roles: [] };
  const auth: GatewayAuth = {
    authenticate: async () => ({
      viewer,
      grants: createGrants([], []),
      expiresAtMs: Infinity,
      viewerHeader: () => 'ada',
    }),
    requireCurrent: () => undefined,
    onRevoked(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    ready: async () => undefined,
    close: async () => undefined,
  };
  const log = createLog('gateway', 'silent');
  const apollo = createApolloGateway(engine, (context) => context as FrontScope);
  const front = await createFront(engine, apollo, { auth, log, metrics: createMetrics('gateway') });
  const watching = listeners.size;
  const own = await listen({ host: '127.0.0.1', port: 0, routes: front.routes, log });
  const response = await fetch(`http://127.0.0.1:${own.port}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: DEFER },
    body: JSON.stringify({ query: QUERY }),
  });
  const signal = await asked.promise;
  for (const listener of listeners) listener('ses_other');
  assert.equal(signal.aborted, false);
  for (const listener of listeners) listener('ses_1');
  await assert.rejects(response.text());
  while (listeners.size > watching) await new Promise(setImmediate);
  await front.drain(0);
  await own.close(0);
  await front.close();
});
