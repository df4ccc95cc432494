import assert from 'node:assert/strict';
import { test } from 'node:test';
import { listen, type HttpRoute } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { proxyRoute } from '../../../gateway/http/proxy-route.ts';

const log = createLog('test', 'silent');
const listening = (routes: readonly HttpRoute[]) =>
  listen({ host: '127.0.0.1', port: 0, routes: [...routes], log });

const POLICIES = {
  'content-security-policy': "default-src 'none'",
  'permissions-policy': 'camera=()',
  'referrer-policy': 'no-referrer',
  vary: 'accept-encoding',
  'x-content-type-options': 'nosniff',
};

test('a page of another process comes with its policies, and is not sent again while it is the same', async (t) => {
  const page: HttpRoute = {
    methods: ['GET'],
    path: '/page/*',
    handle: (request, response, { pathname, search }) => {
      const etag = '"1"';
      const isKnown = request.headers['if-none-match'] === etag;
      response.writeHead(isKnown ? 304 : 200, { ...POLICIES, etag, 'x-internal': 'yes' });
      response.end(isKnown ? undefined : pathname + search);
    },
  };
  const target = await listening([page]);
  t.after(() => target.close(0));
  const front = await listening([proxyRoute('/page/*', new URL(`http://127.0.0.1:${target.port}`))]);
  t.after(() => front.close(0));
  const url = `http://127.0.0.1:${front.port}/page/a?b=c`;
  const answer = await fetch(url);
  assert.equal(await answer.text(), '/page/a?b=c');
  for (const [name, value] of Object.entries(POLICIES)) assert.equal(answer.headers.get(name), value);
  assert.equal(answer.headers.get('x-internal'), null);
  const again = await fetch(url, { headers: { 'if-none-match': answer.headers.get('etag') ?? '' } });
  assert.equal(again.status, 304);
  assert.equal(await again.text(), '');
});

test('a page is SERVICE_UNAVAILABLE while its process is away', async (t) => {
  const gone = await listening([]);
  await gone.close(0);
  const front = await listening([proxyRoute('/page/*', new URL(`http://127.0.0.1:${gone.port}`))]);
  t.after(() => front.close(0));
  const answer = await fetch(`http://127.0.0.1:${front.port}/page/a`);
  assert.equal(answer.status, 503);
  assert.match(await answer.text(), /SERVICE_UNAVAILABLE/);
});
