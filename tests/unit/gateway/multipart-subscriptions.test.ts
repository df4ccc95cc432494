import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { CodedError } from '#platform/errors.ts';
import type { GatewayAuth } from '../../../gateway/auth/auth.ts';
import { createGrants } from '../../../gateway/engine/authorization/grants.ts';
import { answerOf, codeOf, startFakeGateway, type FakeGateway } from './fake-gateway.ts';
import { APOLLO_ACCEPT, createPartsReader, readParts } from './parts-reader.ts';

const TICKS = { query: 'subscription { ticks }' };
const PARTS_ONLY = 'multipart/mixed;subscriptionSpec=1.0';
const CONTENT_TYPE = 'multipart/mixed;boundary="graphql";subscriptionSpec=1.0';

describe('subscriptions in parts', () => {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway();
  });
  after(() => gateway.close());

  test('carry events as payloads, then the closing delimiter', async () => {
    const stream = await readParts(gateway.url, TICKS);
    const upstream = await gateway.engine.nextUpstream();
    assert.equal(stream.response.status, 200);
    assert.equal(stream.response.headers.get('content-type'), CONTENT_TYPE);
    assert.deepEqual(await stream.nextPart(), {});
    for (const value of ['one', 'line\r\n--graphql--\r\nbreak']) {
      upstream.push(value);
      assert.deepEqual(await stream.nextPart(), { payload: { data: { ticks: value } } });
    }
    upstream.end();
    assert.equal(await stream.nextPart(), null);
  });

  test('are written as the protocol says, to the byte', async () => {
    const { response } = await readParts(gateway.url, TICKS);
    const upstream = await gateway.engine.nextUpstream();
    upstream.push('one');
    upstream.end();
    const head = '--graphql\r\ncontent-type: application/json\r\n\r\n';
    assert.equal(
      await response.text(),
      `\r\n${head}{}\r\n${head}{"payload":{"data":{"ticks":"one"}}}\r\n--graphql--\r\n`,
    );
  });

  test('are for clients that name the version, however they write it, over POST and GET', async () => {
    for (const accept of [
      PARTS_ONLY,
      'multipart/mixed; SubscriptionSpec="1.0"',
      'multipart/mixed;boundary=graphql;subscriptionSpec=1.0,application/json',
      'multipart/mixed;boundary="a,b;c\\",d";subscriptionSpec="1.0",application/json',
      'application/graphql-response+json, text/event-stream;q=0.5, multipart/mixed;subscriptionSpec=1.0',
    ]) {
      const stream = await readParts(gateway.url, TICKS, { accept });
      assert.equal(stream.response.headers.get('content-type'), CONTENT_TYPE, accept);
      (await gateway.engine.nextUpstream()).end();
      assert.equal(await stream.next(), null);
    }
    const address = `${gateway.url}/graphql?query=${encodeURIComponent(TICKS.query)}`;
    const stream = createPartsReader(await fetch(address, { headers: { accept: PARTS_ONLY } }));
    (await gateway.engine.nextUpstream()).end();
    assert.equal(await stream.next(), null);
  });

  test('are not for clients of another version, of none, or that prefer events', async () => {
    for (const version of ['', ';subscriptionSpec=2.0', ';subscriptionSpec=1.0;q=0', ';deferSpec=20220824']) {
      const accept = `application/json, multipart/mixed${version}`;
      const { response } = await readParts(gateway.url, TICKS, { accept });
      const answer = await answerOf(response);
      assert.deepEqual([answer.status, codeOf(answer)], [400, 'BAD_REQUEST'], accept);
      assert.match(answer.body.errors?.[0]?.message ?? '', /subscriptionSpec=1\.0/);
    }
    const stream = await readParts(gateway.url, TICKS, { accept: `text/event-stream, ${PARTS_ONLY}` });
    assert.match(stream.response.headers.get('content-type') ?? '', /^text\/event-stream/);
    const upstream = await gateway.engine.nextUpstream();
    stream.cancel();
    await upstream.returned;
  });

  test('leave queries, mutations and what is none of these JSON', async () => {
    for (const accept of [APOLLO_ACCEPT, PARTS_ONLY]) {
      for (const [query, expected] of [
        ['{ hello }', /^\{"data":\{"hello":"Hello, world"\}\}\s*$/],
        ['mutation { rename(name: "x") }', /^\{"data":\{"rename":"x"\}\}\s*$/],
        ['{', /^\{"errors":\[.*GRAPHQL_PARSE_FAILED/],
      ] as const) {
        const { response } = await readParts(gateway.url, { query }, { accept });
        assert.match(response.headers.get('content-type') ?? '', /^application\/json/, query);
        assert.match(await response.text(), expected);
      }
    }
  });

  test('give the errors of a refused subscription in the payload', async () => {
    const stream = await readParts(gateway.url, { query: 'subscription { refused }' });
    const correlationId = stream.response.headers.get('x-correlation-id');
    const extensions = { code: 'FORBIDDEN', correlationId };
    const [error] = ((await stream.next()) as { payload: { errors: { extensions: object }[] } }).payload
      .errors;
    assert.deepEqual(error?.extensions, extensions);
    assert.equal(await stream.next(), null);
  });

  test('give the errors of an event in its payload, and beside it those that end them', async () => {
    const stream = await readParts(gateway.url, TICKS);
    const correlationId = stream.response.headers.get('x-correlation-id');
    const upstream = await gateway.engine.nextUpstream();
    const given = { message: 'Not now.', path: ['ticks'], extensions: { code: 'SUBGRAPH_ERROR' } };
    const extensions = { code: 'SUBGRAPH_ERROR', correlationId };
    upstream.pushResult({ data: null, errors: [given] });
    assert.deepEqual(await stream.next(), { payload: { data: null, errors: [{ ...given, extensions }] } });
    upstream.pushResult({ errors: [given] });
    assert.deepEqual(await stream.next(), { payload: null, errors: [{ message: 'Not now.', extensions }] });
    upstream.end();
    assert.equal(await stream.next(), null);
  });

  test('say beside the payload what made them fail', async () => {
    const { engine } = gateway;
    const { subscribe } = engine;
    engine.subscribe = () => Promise.reject(new CodedError('SUBGRAPH_UNAVAILABLE', 'It is gone.'));
    const stream = await readParts(gateway.url, TICKS);
    engine.subscribe = subscribe;
    const correlationId = stream.response.headers.get('x-correlation-id');
    const extensions = { code: 'SUBGRAPH_UNAVAILABLE', correlationId };
    assert.deepEqual(await stream.next(), {
      payload: null,
      errors: [{ message: 'It is gone.', extensions }],
    });
    assert.equal(await stream.next(), null);
  });

  test('end the upstream when the client goes away', async () => {
    const stream = await readParts(gateway.url, TICKS);
    const upstream = await gateway.engine.nextUpstream();
    stream.cancel();
    await upstream.returned;
  });
});

test('heartbeats keep silent streams open in either form', async () => {
  const gateway = await startFakeGateway({ streamLimits: { heartbeatMs: { sse: 5, multipart: 5 } } });
  const stream = await readParts(gateway.url, TICKS);
  const upstream = await gateway.engine.nextUpstream();
  for (let at = 0; at < 3; at += 1) assert.deepEqual(await stream.nextPart(), {});
  upstream.push('still here');
  assert.deepEqual(await stream.next(), { payload: { data: { ticks: 'still here' } } });
  const { body } = await fetch(`${gateway.url}/graphql?query=${encodeURIComponent(TICKS.query)}`, {
    headers: { accept: 'text/event-stream' },
  });
  let comments = '';
  for await (const text of body?.pipeThrough(new TextDecoderStream()) ?? [])
    if ((comments += text).length >= 9) break;
  assert.match(comments, /^(:\n\n){3,}$/);
  stream.cancel();
  await gateway.close();
});

test('a gateway that ends says that it was not the last event: in parts, since those who read them do not come again', async () => {
  const gateway = await startFakeGateway();
  const stream = await readParts(gateway.url, TICKS);
  const upstream = await gateway.engine.nextUpstream();
  upstream.push('one');
  await stream.next();
  await gateway.close();
  assert.match(JSON.stringify(await stream.next()), /^\{"payload":null,"errors":\[.*"SERVICE_UNAVAILABLE"/);
  assert.equal(await stream.next(), null);
  await upstream.returned;
});

test('subscriptions in parts count among what a client has open, and among subscriptions', async () => {
  const gateway = await startFakeGateway({ clientLimits: { perAddress: { maxOpen: 1 } } });
  const stream = await readParts(gateway.url, TICKS);
  const upstream = await gateway.engine.nextUpstream();
  const { response } = await readParts(gateway.url, TICKS);
  assert.deepEqual([response.status, codeOf(await answerOf(response))], [429, 'RATE_LIMITED']);
  upstream.push('one');
  await stream.next();
  const text = await gateway.metrics.metrics();
  assert.match(text, /gateway_active_subscriptions\{transport="multipart".*\} 1/);
  upstream.end();
  assert.equal(await stream.next(), null);
  await gateway.close();
});

describe('a session', () => {
  const VIEWER = { userId: 'usr_1', sessionId: 'ses_1', roles: [] };
  const start = async (expiresAtMs: () => number) => {
    const listeners = new Set<(sessionId: string) => void>();
    const auth: GatewayAuth = {
      authenticate: async () => ({
        viewer: VIEWER,
        grants: createGrants([], []),
        expiresAtMs: expiresAtMs(),
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
    const revoke = (sessionId: string) => listeners.forEach((listener) => listener(sessionId));
    return { ...(await startFakeGateway({ auth })), revoke };
  };

  test('that is ended ends its subscriptions in parts, which say why', async () => {
    const gateway = await start(() => Infinity);
    const stream = await readParts(gateway.url, TICKS);
    const upstream = await gateway.engine.nextUpstream();
    gateway.revoke('ses_other');
    upstream.push('one');
    assert.deepEqual(await stream.next(), { payload: { data: { ticks: 'one' } } });
    gateway.revoke('ses_1');
    assert.match(JSON.stringify(await stream.next()), /^\{"payload":null,"errors":\[.*"UNAUTHENTICATED"/);
    assert.equal(await stream.next(), null);
    await upstream.returned;
    await gateway.close();
  });

  test('with a token that expires ends them, too', async () => {
    const gateway = await start(Date.now);
    const stream = await readParts(gateway.url, TICKS);
    assert.match(JSON.stringify(await stream.next()), /^\{"payload":null,"errors":\[.*"UNAUTHENTICATED"/);
    assert.equal(await stream.next(), null);
    await gateway.close();
  });
});
