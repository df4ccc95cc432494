import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { answerOf, codeOf, post, startFakeGateway, type FakeGateway } from './fake-gateway.ts';

const GRAPHQL_JSON = 'application/graphql-response+json';

const typeFor = async (gateway: FakeGateway, accept: string) =>
  (await post(gateway, { query: '{ hello }' }, { accept })).headers.get('content-type');

const get = async ({ url }: FakeGateway, parameters: Record<string, string>) =>
  answerOf(await fetch(`${url}/graphql?${new URLSearchParams(parameters)}`));

describe('GraphQL over HTTP', () => {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway({ requestLimits: { maxBodyBytes: 10_000, maxBatch: 3 } });
  });
  after(() => gateway.close());

  test('answers in the media type the client prefers, and in plain JSON where it does not care', async () => {
    assert.equal(await typeFor(gateway, GRAPHQL_JSON), `${GRAPHQL_JSON}; charset=utf-8`);
    assert.equal(
      await typeFor(gateway, `${GRAPHQL_JSON}, application/json`),
      `${GRAPHQL_JSON}; charset=utf-8`,
    );
    assert.equal(
      await typeFor(gateway, `${GRAPHQL_JSON};q=0.5, application/json`),
      'application/json; charset=utf-8',
    );
    assert.equal(await typeFor(gateway, '*/*'), 'application/json; charset=utf-8');
    assert.equal(await typeFor(gateway, 'text/html, application/*;q=0.1'), 'application/json; charset=utf-8');
  });

  test('refuses with 406 a client that reads no JSON, before a mutation runs', async () => {
    const answer = await post(gateway, { query: 'mutation { rename(name: "no") }' }, { accept: 'text/html' });
    assert.equal(answer.status, 406);
    assert.equal(codeOf(answer), 'NOT_ACCEPTABLE');
    assert.deepEqual(gateway.engine.mutations, []);
  });

  test('answers faults of the document with 400, and with 200 to clients that ask for plain JSON', async () => {
    const faults = [
      { query: '{', code: 'GRAPHQL_PARSE_FAILED' },
      { query: '{ missing }', code: 'GRAPHQL_VALIDATION_FAILED' },
      { query: 'query ($name: String!) { hello(name: $name) }', code: 'BAD_USER_INPUT' },
      { query: 'query A { hello } query B { hello }', code: 'OPERATION_RESOLUTION_FAILURE' },
    ];
    for (const { query, code } of faults) {
      const modern = await post(gateway, { query }, { accept: GRAPHQL_JSON });
      assert.deepEqual([modern.status, codeOf(modern), 'data' in modern.body], [400, code, false], query);
      const plain = await post(gateway, { query }, { accept: 'application/json' });
      assert.deepEqual([plain.status, codeOf(plain)], [200, code], query);
    }
  });

  test('refuses bodies that are not a GraphQL request, with a code and no trace', async () => {
    const bodies: [unknown, number][] = [
      ['{ "not a JSON', 400],
      ['', 400],
      ['null', 400],
      ['[]', 400],
      ['7', 400],
      [{ qeury: '{ hello }' }, 400],
      [{ query: { hello: 1 } }, 400],
      [{ query: '{ hello }', variables: [7] }, 400],
      [{ query: '{ hello }', operationName: 7 }, 400],
      [{ query: '{ hello }', extensions: 'x' }, 400],
      [new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x7d]), 400],
      [{ query: `# ${'x'.repeat(20_000)}\n{ hello }` }, 413],
      [Array.from({ length: 4 }, () => ({ query: '{ hello }' })), 400],
    ];
    for (const [body, status] of bodies) {
      const answer = await post(gateway, body);
      assert.equal(answer.status, status, JSON.stringify(body));
      assert.equal(codeOf(answer), status === 413 ? 'PAYLOAD_TOO_LARGE' : 'BAD_REQUEST');
      assert.doesNotMatch(JSON.stringify(answer.body), /node_modules|\.ts:/);
    }
  });

  test('answers a batch in its order', async () => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify([{ query: '{ hello }' }, { query: '{ hello(name: "two") }' }]),
    });
    assert.deepEqual(await response.json(), [
      { data: { hello: 'Hello, world' } },
      { data: { hello: 'Hello, two' } },
    ]);
  });

  test('answers a batch with 200, whatever one of its operations came to', async () => {
    for (const accept of ['application/json', 'application/graphql-response+json']) {
      const batch = [
        { query: 'mutation { rename(name: "kept") }' },
        { query: '{ nope }' },
        { query: 'subscription { ticks }' },
      ];
      const { status, body } = await post(gateway, batch, { accept });
      assert.equal(status, 200, accept);
      assert.match(
        JSON.stringify(body),
        /^\[{"data":{"rename":"kept"}},{"errors":.*GRAPHQL_VALIDATION_FAILED.*BAD_REQUEST/,
      );
    }
  });

  test('says of a document that is nested too deeply that it is, and nothing of its own stack', async () => {
    const { body } = await post(gateway, { query: `{ hello(name: ${'['.repeat(9_000)}` });
    const [error] = body.errors ?? [];
    assert.equal(error?.message, 'The document is nested too deeply.');
    assert.equal(error?.extensions['code'], 'GRAPHQL_PARSE_FAILED');
  });

  test('reads JSON in UTF-8 only', async () => {
    for (const type of [
      'text/plain',
      'application/graphql',
      'application/json; charset=utf-16',
      'nonsense',
    ]) {
      const answer = await post(
        gateway,
        { query: '{ hello }' },
        { 'content-type': type, 'apollo-require-preflight': '1' },
      );
      assert.deepEqual([answer.status, codeOf(answer)], [415, 'UNSUPPORTED_MEDIA_TYPE'], type);
    }
  });

  test('runs queries over GET, and answers mutations there with 405', async () => {
    const query = 'query ($name: String!) { hello(name: $name) }';
    const answer = await get(gateway, { query, variables: '{"name":"GET"}' });
    assert.deepEqual(answer.body.data, { hello: 'Hello, GET' });
    assert.equal((await get(gateway, { query, variables: '{' })).status, 400);
    const mutation = await get(gateway, { query: 'mutation { rename(name: "no") }' });
    assert.deepEqual([mutation.status, mutation.headers.get('allow')], [405, 'POST']);
    assert.equal(codeOf(mutation), 'METHOD_NOT_ALLOWED');
    const nulls = { query: '{ hello }', variables: 'null', extensions: 'null' };
    assert.deepEqual((await get(gateway, nulls)).body.data, { hello: 'Hello, world' });
    assert.equal((await get(gateway, { query: 'subscription { ticks }' })).status, 405);
  });

  test('names the methods it answers', async () => {
    const response = await fetch(`${gateway.url}/graphql`, { method: 'PATCH' });
    assert.equal(response.status, 405);
    assert.match(response.headers.get('allow') ?? '', /GET, POST, PUT, DELETE/);
    await response.arrayBuffer();
  });

  test('refuses a request that a foreign page could forge', async () => {
    const url = `${gateway.url}/graphql?query=${encodeURIComponent('{ hello }')}`;
    const status = async (headers: Record<string, string>) => {
      const response = await fetch(url, { headers });
      await response.arrayBuffer();
      return response.status;
    };
    assert.equal(await status({ cookie: 'session=1' }), 400);
    assert.equal(await status({ 'sec-fetch-site': 'cross-site' }), 400);
    assert.equal(await status({ authorization: 'Basic eDp5' }), 400);
    assert.equal(await status({ origin: 'https://evil.example' }), 400);
    assert.equal(await status({ cookie: 'session=1', 'apollo-require-preflight': '1' }), 200);
    assert.equal(await status({ 'sec-fetch-site': 'same-origin', cookie: 'session=1' }), 200);
    assert.equal(await status({}), 200);
  });

  test('keeps automatic persisted queries by their hash', async () => {
    const sha256Hash = '5f4f3f2f1f0f5f4f3f2f1f0f5f4f3f2f1f0f5f4f3f2f1f0f5f4f3f2f1f0f5f4f';
    const unknown = await post(gateway, { extensions: { persistedQuery: { version: 1, sha256Hash } } });
    assert.equal(codeOf(unknown), 'PERSISTED_QUERY_NOT_FOUND');
    const wrong = await post(gateway, {
      query: '{ hello }',
      extensions: { persistedQuery: { version: 1, sha256Hash } },
    });
    assert.equal(wrong.status, 400);
  });

  test('masks what it does not know, and gives a correlation id to ask about', async () => {
    const id = 'client-chosen-id-1';
    const answer = await post(gateway, { query: '{ nested { broken } }' }, { 'x-correlation-id': id });
    assert.equal(answer.headers.get('x-correlation-id'), id);
    const [error] = answer.body.errors ?? [];
    assert.equal(error?.message, 'Internal server error.');
    assert.deepEqual(error?.extensions, { code: 'INTERNAL_SERVER_ERROR', correlationId: id });
    assert.equal(answer.status, 200);
  });

  test('shows coded errors without what a subgraph added for its own developers', async () => {
    const answer = await post(gateway, { query: '{ leaky }' });
    const [error] = answer.body.errors ?? [];
    assert.equal(error?.message, 'No.');
    assert.deepEqual(Object.keys(error?.extensions ?? {}).sort(), ['code', 'correlationId']);
  });

  test('replaces a correlation id that could break a log or a header', async () => {
    const answer = await post(
      gateway,
      { query: '{ header(name: "x-correlation-id") }' },
      { 'x-correlation-id': 'a b' },
    );
    const id = answer.headers.get('x-correlation-id') ?? '';
    assert.match(id, /^[\w-]{36}$/);
    assert.equal(answer.body.data?.['header'], id);
  });

  test('tells the engine when the client goes away', async () => {
    const gone = new AbortController();
    const hanging = gateway.engine.nextHanging();
    const request = fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      signal: gone.signal,
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ query: '{ hanging }' }),
    });
    const signal = await hanging;
    const aborted = new Promise((resolve) => signal.addEventListener('abort', resolve));
    gone.abort();
    await assert.rejects(request);
    await aborted;
  });

  test('sends a subscription to the transports that carry it', async () => {
    const answer = await post(gateway, { query: 'subscription { ticks }' });
    assert.deepEqual([answer.status, codeOf(answer)], [400, 'BAD_REQUEST']);
    assert.match(answer.body.errors?.[0]?.message ?? '', /text\/event-stream/);
  });

  test('counts what it answers, by closed sets of labels', async () => {
    await post(gateway, { query: '{ broken }' });
    const text = await (await fetch(`${gateway.url}/metrics`)).text();
    assert.match(text, /gateway_http_requests_total\{method="POST",status="200"/);
    assert.match(text, /gateway_errors_total\{code="INTERNAL_SERVER_ERROR"/);
    assert.match(text, /gateway_http_request_duration_seconds_bucket/);
  });
});
