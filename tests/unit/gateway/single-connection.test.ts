import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-sse';
import { answerOf, codeOf, startFakeGateway, type FakeGateway } from './fake-gateway.ts';
import {
  openStream,
  putReservation,
  reserve,
  type StreamClient,
  type StreamMessage,
} from './stream-client.ts';

const TICKS = 'subscription { ticks }';
const outcome = async (response: Response) => [response.status, codeOf(await answerOf(response))];

describe('operations that share one event stream', () => {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway();
  });
  after(() => gateway.close());

  test('work with the client of the graphql-sse package', async () => {
    const client = createClient({ url: `${gateway.url}/graphql`, singleConnection: true });
    const upstreams = [gateway.engine.nextUpstream(), gateway.engine.nextUpstream()];
    const streams = [client.iterate({ query: TICKS }), client.iterate({ query: TICKS })];
    const firsts = streams.map((stream) => stream.next());
    for (const upstream of upstreams) (await upstream).push('one');
    for (const first of firsts) assert.deepEqual((await first).value?.data, { ticks: 'one' });
    const [stopped, ended] = streams;
    await stopped?.return?.(undefined);
    const [first, second] = await Promise.all(upstreams);
    // Which of the two was the first one is the network's business.
    await Promise.race([first?.returned, second?.returned]);
    for (const upstream of [first, second]) upstream?.end();
    assert.equal((await ended?.next())?.done, true);
    const answers = [];
    for await (const result of client.iterate({ query: '{ hello }' })) answers.push(result);
    assert.deepEqual(answers, [{ data: { hello: 'Hello, world' } }]);
    client.dispose();
  });

  test('carry their ids, each in its own order, and each ends by itself', async () => {
    const client = await reserve(gateway.url);
    const stream = await client.open();
    assert.equal(stream.response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    assert.equal(stream.response.headers.get('cache-control'), 'no-store');
    const accepted = await client.start('a', TICKS);
    assert.deepEqual([accepted.status, await accepted.text()], [202, '']);
    const a = await gateway.engine.nextUpstream();
    await client.start('b', TICKS);
    const b = await gateway.engine.nextUpstream();
    a.push('one');
    assert.deepEqual(await stream.nextMessage(), {
      event: 'next',
      id: 'a',
      payload: { data: { ticks: 'one' } },
    });
    b.push('two');
    assert.deepEqual(await stream.nextMessage(), {
      event: 'next',
      id: 'b',
      payload: { data: { ticks: 'two' } },
    });
    a.end();
    assert.deepEqual(await stream.nextMessage(), { event: 'complete', id: 'a' });
    await client.start('a', 'query ($name: String) { hello(name: $name) }', { variables: { name: 'again' } });
    const hello = { data: { hello: 'Hello, again' } };
    assert.deepEqual(await stream.nextMessage(), { event: 'next', id: 'a', payload: hello });
    assert.deepEqual(await stream.nextMessage(), { event: 'complete', id: 'a' });
    await client.start('m', 'mutation { rename(name: "x") }');
    assert.deepEqual((await stream.nextMessage())?.payload, { data: { rename: 'x' } });
    stream.cancel();
    await b.returned;
  });

  test('are stopped by DELETE, and nothing is said under their ids any more', async () => {
    const client = await reserve(gateway.url);
    const stream = await client.open();
    await client.start('a', TICKS);
    const first = await gateway.engine.nextUpstream();
    assert.equal((await client.stop('a')).status, 200);
    await first.returned;
    first.push('late');
    await client.start('a', TICKS);
    const second = await gateway.engine.nextUpstream();
    second.push('fresh');
    assert.deepEqual((await stream.nextMessage())?.payload, { data: { ticks: 'fresh' } });
    assert.equal((await client.stop('a')).status, 200);
    assert.equal((await client.stop('a')).status, 200, 'what is over already');
    stream.cancel();
  });

  test('may begin before their stream is opened, by header or by address, and lose nothing', async () => {
    const client = await reserve(gateway.url);
    await client.start('q', '{ hello }');
    await client.start('s', TICKS);
    const upstream = await gateway.engine.nextUpstream();
    for (const value of ['one', 'two', 'three']) upstream.push(value);
    upstream.end();
    const stream = await openStream(gateway.url, {}, `?token=${client.token}`);
    const seen: (StreamMessage | null)[] = [];
    while (seen.length < 6) seen.push(await stream.nextMessage());
    const of = (id: string) =>
      seen.filter((message) => message?.id === id).map((message) => message?.payload?.data);
    assert.deepEqual(of('q'), [{ hello: 'Hello, world' }, undefined]);
    assert.deepEqual(of('s'), [{ ticks: 'one' }, { ticks: 'two' }, { ticks: 'three' }, undefined]);
    stream.cancel();
  });

  test('may be asked for with GET, mutations not', async () => {
    const client = await reserve(gateway.url);
    const stream = await client.open();
    const ask = (query: string) =>
      fetch(
        `${gateway.url}/graphql?${new URLSearchParams({ query, token: client.token, extensions: '{"operationId":"g"}' })}`,
      );
    assert.equal((await ask('{ hello }')).status, 202);
    assert.deepEqual((await stream.nextMessage())?.payload, { data: { hello: 'Hello, world' } });
    const refused = await ask('mutation { rename(name: "no") }');
    assert.equal(refused.headers.get('allow'), 'POST');
    assert.deepEqual(await outcome(refused), [405, 'METHOD_NOT_ALLOWED']);
    stream.cancel();
  });

  test('tell in the stream what has failed, with the correlation id of the request that asked', async () => {
    const client = await reserve(gateway.url);
    const stream = await client.open();
    const headers = { 'x-correlation-id': 'report-1234' };
    for (const [query, code] of [
      ['subscription { refused }', 'FORBIDDEN'],
      ['{ broken }', 'INTERNAL_SERVER_ERROR'],
      ['query ($name: String!) { hello(name: $name) }', 'BAD_USER_INPUT'],
    ] as const) {
      assert.equal((await client.start('f', query, { headers })).status, 202);
      const [error] = (await stream.nextMessage())?.payload?.errors ?? [];
      assert.deepEqual(
        [error?.extensions['code'], error?.extensions['correlationId']],
        [code, 'report-1234'],
      );
      assert.equal((await stream.nextMessage())?.event, 'complete');
    }
    const { subscribe } = gateway.engine;
    gateway.engine.subscribe = () => Promise.reject(new Error('secret'));
    await client.start('thrown', TICKS);
    gateway.engine.subscribe = subscribe;
    const { payload } = (await stream.nextMessage()) ?? {};
    assert.equal(payload?.errors?.[0]?.extensions['code'], 'INTERNAL_SERVER_ERROR');
    assert.doesNotMatch(JSON.stringify(payload), /secret/);
    assert.deepEqual(await stream.nextMessage(), { event: 'complete', id: 'thrown' });
    stream.cancel();
  });

  test('are refused by the answer to their request where they are not valid, whatever it accepts', async () => {
    const client = await reserve(gateway.url);
    for (const [query, code] of [
      ['{', 'GRAPHQL_PARSE_FAILED'],
      ['subscription { missing }', 'GRAPHQL_VALIDATION_FAILED'],
    ] as const)
      for (const accept of ['*/*', 'application/graphql-response+json', 'text/plain'])
        assert.deepEqual(await outcome(await client.start('v', query, { headers: { accept } })), [400, code]);
    const unnamed = { method: 'POST', headers: { 'content-type': 'application/json' } };
    const post = (body: string, search = `?token=${client.token}`) =>
      fetch(`${gateway.url}/graphql${search}`, { ...unnamed, body });
    for (const body of [
      '{',
      '[]',
      '{"query":7}',
      '{"extensions":{"operationId":"a"}}',
      '[{"query":"{ hello }"}]',
    ])
      assert.deepEqual(await outcome(await post(body)), [400, 'BAD_REQUEST'], body);
    const form = new FormData();
    form.set('operations', '{"query":"{ hello }","extensions":{"operationId":"a"}}');
    form.set('map', '{}');
    const upload = await fetch(`${gateway.url}/graphql?token=${client.token}`, {
      method: 'POST',
      headers: { 'apollo-require-preflight': '1' },
      body: form,
    });
    assert.deepEqual(await outcome(upload), [415, 'UNSUPPORTED_MEDIA_TYPE']);
  });
});

describe('a request about an event stream is refused', () => {
  let gateway: FakeGateway;
  let client: StreamClient;
  before(async () => {
    gateway = await startFakeGateway({ socketLimits: { maxOperations: 2 } });
    client = await reserve(gateway.url);
  });
  after(() => gateway.close());

  test('that does not exist, or exists no more', async () => {
    const stranger = { 'x-graphql-event-stream-token': 'stranger' };
    assert.deepEqual(await outcome((await openStream(gateway.url, stranger)).response), [404, 'NOT_FOUND']);
    assert.deepEqual(await outcome(await client.start('a', TICKS, { headers: stranger })), [
      404,
      'NOT_FOUND',
    ]);
    assert.deepEqual(await outcome(await client.stop('a', stranger)), [404, 'NOT_FOUND']);
    const over = await reserve(gateway.url);
    const stream = await over.open();
    await over.start('a', TICKS);
    stream.cancel();
    await (
      await gateway.engine.nextUpstream()
    ).returned;
    assert.deepEqual(await outcome((await over.open()).response), [404, 'NOT_FOUND']);
    assert.deepEqual(await outcome(await over.start('a', TICKS)), [404, 'NOT_FOUND']);
  });

  test('that is open already', async () => {
    const stream = await client.open();
    assert.deepEqual(await outcome((await client.open()).response), [409, 'CONFLICT']);
    await client.start('a', '{ hello }');
    assert.equal((await stream.nextMessage())?.id, 'a', 'the first one is as it was');
  });

  test('that names no operation, one too long, or one that there is already', async () => {
    for (const id of [null, '', 'x'.repeat(257)]) {
      assert.deepEqual(await outcome(await client.start(id, TICKS)), [400, 'BAD_REQUEST']);
      assert.deepEqual(await outcome(await client.stop(id ?? '')), [400, 'BAD_REQUEST']);
    }
    await client.start('a', TICKS);
    const upstream = await gateway.engine.nextUpstream();
    assert.deepEqual(await outcome(await client.start('a', TICKS)), [409, 'CONFLICT']);
    await client.stop('a');
    await upstream.returned;
  });

  test('that has enough to do', async () => {
    const busy = await reserve(gateway.url);
    const stream = await busy.open();
    for (const id of ['a', 'b']) assert.equal((await busy.start(id, TICKS)).status, 202);
    const [a, b] = [await gateway.engine.nextUpstream(), await gateway.engine.nextUpstream()];
    assert.deepEqual(await outcome(await busy.start('c', TICKS)), [429, 'RATE_LIMITED']);
    a.end();
    assert.deepEqual(await stream.nextMessage(), { event: 'complete', id: 'a' });
    assert.equal((await busy.start('c', '{ hello }')).status, 202);
    stream.cancel();
    await b.returned;
  });

  test('without a token, or with another method', async () => {
    const bare = await fetch(`${gateway.url}/graphql?operationId=a`, { method: 'DELETE' });
    assert.deepEqual(await outcome(bare), [400, 'BAD_REQUEST']);
    const head = await fetch(`${gateway.url}/graphql?token=${client.token}`, { method: 'HEAD' });
    assert.deepEqual([head.status, head.headers.get('allow')], [405, 'GET, POST, PUT, DELETE']);
    const patch = await fetch(`${gateway.url}/graphql`, { method: 'PATCH' });
    assert.equal(patch.status, 405);
  });

  test('but a reservation takes whatever comes with it: a client may send the token of its last stream', async () => {
    const response = await putReservation(gateway.url, {
      'x-graphql-event-stream-token': client.token,
      accept: 'application/json',
    });
    assert.equal(response.status, 201);
    assert.equal(response.headers.get('content-type'), 'text/plain; charset=utf-8');
    const token = await response.text();
    assert.match(token, /^[\w-]{32}$/);
    assert.notEqual(token, client.token);
  });
});

test('pages of listed origins may use them, and only those', async () => {
  const friend = 'https://app.example';
  const gateway = await startFakeGateway({ corsOrigins: [friend] });
  const preflight = async (origin: string, method: string) => {
    const headers = {
      origin,
      'access-control-request-method': method,
      'access-control-request-headers': 'x-graphql-event-stream-token',
    };
    return (await fetch(`${gateway.url}/graphql`, { method: 'OPTIONS', headers })).headers;
  };
  for (const method of ['PUT', 'DELETE', 'POST', 'GET'])
    assert.ok(
      (await preflight(friend, method)).get('access-control-allow-methods')?.split(', ').includes(method),
    );
  const allowed = (await preflight(friend, 'GET')).get('access-control-allow-headers');
  assert.equal(allowed, 'x-graphql-event-stream-token');
  assert.equal((await preflight('https://evil.example', 'PUT')).get('access-control-allow-methods'), null);
  const client = await reserve(gateway.url, { origin: friend });
  const stream = await client.open({ origin: friend, 'sec-fetch-site': 'cross-site' });
  assert.equal(stream.response.headers.get('access-control-allow-origin'), friend);
  const forged = await client.start('a', '{ hello }', {
    headers: { 'content-type': 'text/plain', origin: 'https://evil.example' },
  });
  assert.deepEqual(await outcome(forged), [400, 'BAD_REQUEST']);
  stream.cancel();
  await gateway.close();
});
