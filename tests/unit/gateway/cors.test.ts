import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { post, startFakeGateway, type FakeGateway } from './fake-gateway.ts';

const FRIEND = 'https://app.example';
const ASKED = 'apollographql-client-name,apollographql-client-version,authorization,content-type,x-shop';
const PARTS = 'multipart/mixed; deferSpec=20220824';
/** Its answer is long enough to be compressed. */
const LONG = `{ ${Array.from({ length: 1_000 }, (_, at) => `longField${at}: hello`).join(' ')} }`;

describe('CORS [X10]', () => {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway({ corsOrigins: [FRIEND], forwardHeaders: ['x-shop'] });
  });
  after(() => gateway.close());

  const preflight = (origin: string) =>
    fetch(`${gateway.url}/graphql`, {
      method: 'OPTIONS',
      headers: {
        origin,
        'access-control-request-method': 'POST',
        'access-control-request-headers': ASKED,
      },
    });

  test('lets pages of the listed origins send what they ask for, such as the names of their clients', async () => {
    const { status, headers } = await preflight(FRIEND);
    assert.equal(status, 204);
    assert.equal(headers.get('access-control-allow-origin'), FRIEND);
    assert.match(headers.get('access-control-allow-methods') ?? '', /POST/);
    assert.equal(headers.get('access-control-allow-headers'), ASKED);
    assert.equal(headers.get('access-control-allow-credentials'), null);
  });

  test('tells pages of other origins nothing', async () => {
    const { status, headers } = await preflight('https://evil.example');
    assert.equal(status, 204);
    assert.equal(headers.get('access-control-allow-origin'), null);
    assert.equal(headers.get('access-control-allow-headers'), null);
  });

  test('lets a listed page read errors and the correlation id', async () => {
    const { headers } = await post(gateway, '{', { origin: FRIEND });
    assert.equal(headers.get('access-control-allow-origin'), FRIEND);
    assert.match(headers.get('access-control-expose-headers') ?? '', /x-correlation-id/);
    assert.match(headers.get('vary') ?? '', /origin/);
  });

  const QUERY = JSON.stringify({ query: '{ hello }' });
  const STREAM = { accept: 'text/event-stream' };
  const KINDS: readonly (readonly [string, number, RequestInit, string?])[] = [
    ['an answer', 200, { method: 'POST', body: QUERY }],
    ['one with errors', 200, { method: 'POST', body: JSON.stringify({ query: '{ nullable broken }' }) }],
    ['one that is compressed', 200, { method: 'POST', body: JSON.stringify({ query: LONG }) }],
    ['an answer to a GET', 200, {}, '?query={hello}'],
    ['one in parts', 200, { method: 'POST', body: QUERY, headers: { accept: PARTS } }],
    ['a batch', 200, { method: 'POST', body: `[${QUERY}]` }],
    ['a stream', 200, { method: 'POST', body: QUERY, headers: STREAM }],
    ['a reserved stream', 201, { method: 'PUT' }],
    ['a stream that nobody has reserved', 404, { method: 'DELETE' }, '?token=none'],
    ['what is malformed', 400, { method: 'POST', body: '{' }],
    ['what is unreadable', 406, { method: 'POST', body: QUERY, headers: { accept: 'text/html' } }],
    ['a preflight', 204, { method: 'OPTIONS' }],
  ];
  for (const [kind, status, init, search = ''] of KINDS)
    test(`tells what belongs to every answer with ${kind}, too`, async () => {
      const headers = { 'content-type': 'application/json', origin: FRIEND, 'x-correlation-id': 'page-0001' };
      const response = await fetch(`${gateway.url}/graphql${search}`, {
        ...init,
        headers: { ...headers, ...init.headers },
      });
      await response.arrayBuffer();
      assert.equal(response.status, status);
      const told = ['access-control-allow-origin', 'x-correlation-id', 'cache-control', 'vary'];
      assert.deepEqual(
        told.map((name) => response.headers.get(name)),
        [FRIEND, 'page-0001', 'no-store', 'origin, accept, accept-encoding'],
      );
    });

  test('forwards the headers of the list, and never one in the name of the platform', async () => {
    const query =
      '{ shop: header(name: "x-shop") viewer: header(name: "x-veza-viewer") other: header(name: "x-other") }';
    const { body } = await post(
      gateway,
      { query },
      { 'x-shop': 'a', 'x-veza-viewer': 'forged', 'x-other': 'b' },
    );
    assert.deepEqual(body.data, { shop: 'a', viewer: null, other: null });
  });
});
