import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { post, startFakeGateway, type FakeGateway } from './fake-gateway.ts';

const FRIEND = 'https://app.example';
const ASKED = 'apollographql-client-name,apollographql-client-version,authorization,content-type,x-shop';

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
