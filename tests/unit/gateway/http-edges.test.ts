import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import { after, before, describe, test } from 'node:test';
import { openRaw, rawAnswer, readUntil } from '../../support/raw-http.ts';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';

const BODY = JSON.stringify({ query: '{ hello }' });
const HEAD = 'POST /graphql HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n';
const UPGRADE = 'connection: Upgrade\r\nupgrade: websocket\r\n';
/** What an attacker wants to be taken for a request of somebody else. */
const SMUGGLED = 'GET /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n';
const statuses = (answer: string) => [...answer.matchAll(/^HTTP\/1\.1 (\d+)/gm)].map(([, status]) => status);

describe('the edges of HTTP', () => {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway({ requestLimits: { bodyTimeoutMs: 50 } });
  });
  after(() => gateway.close());
  const ask = (bytes: string) => rawAnswer(gateway.listener.port, bytes);

  const ambiguous: readonly [string, string][] = [
    ['a length and chunks', `${HEAD}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['two lengths', `${HEAD}content-length: 3\r\ncontent-length: 7\r\n\r\n{} `],
    ['a length that is no number', `${HEAD}content-length: +5\r\n\r\n{}   `],
    ['chunks under another name', `${HEAD}transfer-encoding: xchunked\r\n\r\n0\r\n\r\n`],
    ['chunks that are not last', `${HEAD}transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n`],
    ['a space before a colon', `${HEAD}content-length : 5\r\n\r\n{}   `],
    ['a folded header', `${HEAD}x-a: 1\r\n content-length: 5\r\n\r\n{}   `],
    ['a chunk size that is no number', `${HEAD}transfer-encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n`],
    ['a chunk longer than it says', `${HEAD}transfer-encoding: chunked\r\n\r\n1\r\n{}\r\n0\r\n\r\n`],
    ['a bare carriage return', `${HEAD}x-a: 1\rcontent-length: 5\r\n\r\n`],
    ['no host', 'GET /graphql?query=%7Bhello%7D HTTP/1.1\r\n\r\n'],
    ['a null in a header', `${HEAD}x-a: a\0b\r\n\r\n`],
    ['one length twice', `${HEAD}content-length: 2\r\ncontent-length: 2\r\n\r\n{}`],
    ['a list of equal lengths', `${HEAD}content-length: 2, 2\r\n\r\n{}`],
    ['chunks twice', `${HEAD}transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`],
    ['chunks of something else', `${HEAD}transfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
    ['chunks in HTTP/1.0', 'POST /graphql HTTP/1.0\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n'],
    ['a folded coding', `${HEAD}transfer-encoding:\r\n chunked\r\n\r\n0\r\n\r\n`],
    ['a bare line feed between headers', 'GET / HTTP/1.1\r\nhost: x\nx-a: b\r\n\r\n'],
    ['bare line feeds', 'GET / HTTP/1.1\nhost: x\n\n'],
    ['a bare line feed behind a chunk’s size', `${HEAD}transfer-encoding: chunked\r\n\r\n2\n{}\r\n0\r\n\r\n`],
    [
      'a bare line feed in a chunk’s extension',
      `${HEAD}transfer-encoding: chunked\r\n\r\n2;a\nb\r\n{}\r\n0\r\n\r\n`,
    ],
    [
      'a chunk larger than numbers go',
      `${HEAD}transfer-encoding: chunked\r\n\r\n10000000000000002\r\n{}\r\n0\r\n\r\n`,
    ],
    ['two hosts', 'GET /graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n'],
    ['one host twice', 'GET /graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: x\r\nHost: x\r\n\r\n'],
    ['two hosts of a socket', `GET /graphql HTTP/1.1\r\nhost: x\r\nhost: y\r\n${UPGRADE}\r\n`],
    ['a host that is none', 'GET /graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: x/y\r\n\r\n'],
    ['a host with a name in front', 'GET /graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: a@x\r\n\r\n'],
    ['steps in a path', 'GET /none/../graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['steps in a path, encoded', 'GET /none/.%2E/graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['backslashes in a path', 'GET /none\\..\\graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['a fragment', 'GET /graphql?query=%7Bhello%7D#x HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['another scheme', 'GET ftp://x/graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: x\r\n\r\n'],
    ['a user in the target', 'GET http://a:b@x/graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: x\r\n\r\n'],
  ];
  for (const [what, request] of ambiguous)
    test(`${what}: refused, and nothing behind it is read as a request`, async () => {
      const answer = await ask(request + SMUGGLED);
      assert.deepEqual(statuses(answer), ['400'], answer);
    });

  test('a target in absolute form is answered, whatever host is named beside it', async () => {
    const answer = await ask(
      'GET http://veza.example/graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    );
    assert.deepEqual(statuses(answer), ['200']);
    assert.match(answer, /Hello, world/);
  });

  test('whether a page is the gateway’s own is told by the host of a target in absolute form', async () => {
    const open = (origin: string) =>
      `GET http://veza.example/graphql HTTP/1.1\r\nhost: x\r\norigin: http://${origin}\r\n${UPGRADE}\r\n`;
    // Only what is refused for its page gets 403: of a socket both lack the key.
    for (const [origin, status] of [
      ['veza.example', '400'],
      ['x', '403'],
    ] as const)
      assert.deepEqual(statuses(await ask(open(origin))), [status], origin);
  });

  test('hosts of all forms are taken', async () => {
    for (const host of ['', 'veza.example', 'my_host:4000', '127.0.0.1:', '[::1]:4000', 'a%20b']) {
      const answer = await ask(`GET /health/live HTTP/1.1\r\nhost: ${host}\r\nconnection: close\r\n\r\n`);
      assert.deepEqual(statuses(answer), ['200'], host);
    }
  });

  test('a tunnel is refused', async () => {
    assert.deepEqual(statuses(await ask('CONNECT x:80 HTTP/1.1\r\nhost: x:80\r\n\r\n')), ['405']);
  });

  test('of a header that came twice neither is taken', async () => {
    const types = 'content-type: text/plain\r\nconnection: close\r\n';
    const answer = await ask(`${HEAD}${types}content-length: ${BODY.length}\r\n\r\n${BODY}`);
    assert.notDeepEqual(statuses(answer), ['200'], answer);
  });

  test('a target beyond all measure is refused with 414, and a longer one with 431', async () => {
    const of = (length: number) => `GET /graphql?query=${'a'.repeat(length)} HTTP/1.1\r\nhost: x\r\n\r\n`;
    const answer = await ask(of(16_384));
    assert.deepEqual(statuses(answer), ['414']);
    assert.match(answer, /"code":"URI_TOO_LONG"/);
    assert.deepEqual(statuses(await ask(of(33_000))), ['431']);
  });

  test('headers beyond all measure are refused with 431: one that is too long, and too many', async () => {
    for (const headers of [`x-a: ${'a'.repeat(33_000)}\r\n`, 'a:b\r\n'.repeat(7_000)]) {
      const answer = await ask(`GET / HTTP/1.1\r\nhost: x\r\n${headers}\r\n`);
      assert.deepEqual(statuses(answer), ['431']);
    }
  });

  test('a body that dribbles is given up with 408, and its connection is closed', async () => {
    const answer = await ask(`${HEAD}content-length: 100\r\n\r\n{`);
    assert.deepEqual(statuses(answer), ['408']);
    assert.match(answer, /"code":"REQUEST_TIMEOUT"/);
    assert.match(answer, /^connection: close\r$/im);
  });

  test('a client may wait for leave to send its body', async () => {
    const socket = await openRaw(
      gateway.listener.port,
      `${HEAD}expect: 100-continue\r\ncontent-length: ${BODY.length}\r\n\r\n`,
    );
    await readUntil(socket, '100 Continue');
    socket.write(BODY);
    assert.match(await readUntil(socket, 'Hello, world"}}'), /^HTTP\/1\.1 200 /m);
    socket.destroy();
    const other = await ask(`${HEAD}expect: a-miracle\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
    assert.deepEqual(statuses(other), ['417']);
  });

  test('HEAD gets the head of what GET gets, and leaves the connection in order', async () => {
    const of = (method: string, more = '') =>
      `${method} /graphql?query=%7Bhello%7D HTTP/1.1\r\nhost: x\r\n${more}\r\n`;
    const answer = await ask(of('HEAD') + of('GET', 'connection: close\r\n'));
    assert.deepEqual(statuses(answer), ['200', '200']);
    const lengths = [...answer.matchAll(/^content-length: (\d+)/gim)].map(([, length]) => length);
    assert.equal(lengths[0], lengths[1]);
    assert.equal(answer.split('Hello, world').length, 2);
  });

  test('HEAD gets the head of a stream, and no subscription that nobody would read', async () => {
    for (const accept of ['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0']) {
      const asked = `/graphql?query=${encodeURIComponent('subscription { ticks }')} HTTP/1.1`;
      const head = `host: x\r\naccept: ${accept}\r\nconnection: close\r\n\r\n`;
      const answer = await ask(`HEAD ${asked}\r\n${head}`);
      assert.deepEqual(statuses(answer), ['200']);
      assert.match(answer, new RegExp(`^content-type: ${accept.split(';')[0]}`, 'im'));
    }
    const upstream = gateway.engine.nextUpstream();
    const gone = new AbortController();
    const url = `${gateway.url}/graphql?query=${encodeURIComponent('subscription { ticks(size: 7) }')}`;
    await fetch(url, { headers: { accept: 'text/event-stream' }, signal: gone.signal });
    assert.match((await upstream).request.query, /size: 7/);
    gone.abort();
  });

  test('a body that says it is too large is refused before it comes', async () => {
    const socket = await openRaw(
      gateway.listener.port,
      `${HEAD}expect: 100-continue\r\ncontent-length: 99999999\r\n\r\n`,
    );
    assert.match(await readUntil(socket, 'PAYLOAD_TOO_LARGE'), /^HTTP\/1\.1 413 /m);
    socket.destroy();
  });

  test('a socket of a foreign page is refused for good, though its client keeps its own end open', async () => {
    const accepted = once(gateway.listener.server, 'connection');
    const client = connect({ port: gateway.listener.port, host: '127.0.0.1', allowHalfOpen: true });
    client.write(`GET /graphql HTTP/1.1\r\nhost: x\r\norigin: https://evil.example\r\n${UPGRADE}\r\n`);
    const [served] = (await accepted) as [Socket];
    assert.match(await readUntil(client, '\r\n\r\n'), /^HTTP\/1\.1 403 /);
    if (!served.destroyed) await once(served, 'close');
    client.destroy();
  });

  test('OPTIONS says what is allowed, where it is', async () => {
    const allowed = await ask('OPTIONS /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.deepEqual(statuses(allowed), ['204']);
    assert.match(allowed, /^allow: GET, POST, PUT, DELETE, OPTIONS/im);
    const other = await ask('OPTIONS /health/live HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
    assert.deepEqual(statuses(other), ['405']);
  });
});
