import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import type { AddressInfo, Socket } from 'node:net';
import { after, test } from 'node:test';
import { createServer as createSecureServer, setDefaultCACertificates } from 'node:tls';
import { createHttpClient } from '../../../gateway/engine/client/http.ts';
import { BODY, fetchOf, onRequests, PLAIN, RESULT, startPeer } from './http1-peer.ts';

/** What HTTP/1.1 peers may do, at the level of bytes: node's own server would hide most of it. */

const malformed: readonly [name: string, text: string][] = [
  ['no HTTP', 'SSH-2.0-OpenSSH\r\n\r\n'],
  ['HTTP/2', 'HTTP/2 200\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\ncontent-length: 3\r\ncontent-length: 4\r\n\r\nabcd'],
  [
    'a length and chunks',
    `HTTP/1.1 200 OK\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  ['a negative length', 'HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n'],
  ['another encoding', 'HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n'],
  ['a chunk that is too long', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nabc\r\n0\r\n\r\n'],
  ['a chunk without a size', 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\n'],
  ['headers without an end', `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(40_000)}`],
  ['another protocol', 'HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n'],
];

for (const [name, text] of malformed) {
  test(`refuses ${name} and uses the connection no more`, async () => {
    const peer = await startPeer((socket, connection) =>
      onRequests(socket, () => socket.write(connection === 1 ? text : PLAIN)),
    );
    await assert.rejects(peer.client.fetch(fetchOf()), { code: 'SUBGRAPH_UNAVAILABLE' });
    assert.deepEqual(await peer.client.fetch(fetchOf()), RESULT);
    assert.equal(peer.connections(), 2);
  });
}

test('keeps a connection for the next request', async () => {
  const peer = await startPeer((socket) => onRequests(socket, () => socket.write(PLAIN)));
  for (let n = 0; n < 3; n++) assert.deepEqual(await peer.client.fetch(fetchOf()), RESULT);
  assert.equal(peer.connections(), 1);
});

test('takes no connection that the server closes, or is about to', async () => {
  const announced = PLAIN.replace('\r\n\r\n', '\r\nconnection: close\r\n\r\n');
  const brief = PLAIN.replace('\r\n\r\n', '\r\nkeep-alive: timeout=0\r\n\r\n');
  const old = PLAIN.replace('HTTP/1.1', 'HTTP/1.0');
  for (const text of [announced, brief, old]) {
    const peer = await startPeer((socket) => onRequests(socket, () => socket.write(text)));
    for (let n = 0; n < 2; n++) assert.deepEqual(await peer.client.fetch(fetchOf()), RESULT);
    assert.equal(peer.connections(), 2);
  }
});

test('reads a body that ends with its connection', async () => {
  const peer = await startPeer((socket) =>
    onRequests(socket, () => socket.end(`HTTP/1.1 200 OK\r\n\r\n${BODY}`)),
  );
  assert.deepEqual(await peer.client.fetch(fetchOf()), RESULT);
});

/** Answers the first request of the first connection, and closes it at the second. */
const closingAtReuse = (socket: Socket, connection: number) => {
  let requests = 0;
  onRequests(socket, () => {
    requests += 1;
    if (connection === 1 && requests > 1) socket.destroy();
    else socket.write(PLAIN);
  });
};

test('sends a query again where a kept connection ended under it', async () => {
  const peer = await startPeer(closingAtReuse);
  for (let n = 0; n < 2; n++) assert.deepEqual(await peer.client.fetch(fetchOf()), RESULT);
  assert.equal(peer.connections(), 2);
});

test('never sends a mutation again', async () => {
  const peer = await startPeer(closingAtReuse);
  assert.deepEqual(await peer.client.fetch(fetchOf('mutation')), RESULT);
  await assert.rejects(peer.client.fetch(fetchOf('mutation')), { code: 'SUBGRAPH_UNAVAILABLE' });
  assert.equal(peer.connections(), 1);
});

test('gives up after the second connection', async () => {
  let requests = 0;
  const peer = await startPeer((socket) =>
    onRequests(socket, () => void ((requests += 1) === 1 ? socket.write(PLAIN) : socket.destroy())),
  );
  await peer.client.fetch(fetchOf());
  await assert.rejects(peer.client.fetch(fetchOf()), { code: 'SUBGRAPH_UNAVAILABLE' });
  assert.equal(requests, 3);
});

test('takes what stands behind an answer for no other request’s answer', async () => {
  const stolen = `${PLAIN}HTTP/1.1 200 OK\r\ncontent-length: 18\r\n\r\n{"data":{"a":"x"}}`;
  const peer = await startPeer(
    (socket, connection) => onRequests(socket, () => socket.write(connection === 1 ? stolen : PLAIN)),
    {
      maxConnections: 1,
    },
  );
  const both = await Promise.all([peer.client.fetch(fetchOf()), peer.client.fetch(fetchOf())]);
  assert.deepEqual(both, [RESULT, RESULT]);
});

test('opens no more connections than it may, and serves those who wait in order', async () => {
  const asked: string[] = [];
  const peer = await startPeer(
    (socket) =>
      onRequests(socket, (request) => {
        asked.push(/x-n: (\d)/.exec(request)?.[1] ?? '');
        socket.write(PLAIN);
      }),
    { maxConnections: 1 },
  );
  const fetches = ['0', '1', '2', '3'].map((n) =>
    peer.client.fetch(fetchOf('query', { headers: { 'x-n': n } })),
  );
  await Promise.all(fetches);
  assert.deepEqual([peer.connections(), asked], [1, ['0', '1', '2', '3']]);
});

test('whoever waits for a connection too long is told so, and whoever goes away waits no more', async () => {
  const arrived = Promise.withResolvers<void>();
  const peer = await startPeer((socket) => onRequests(socket, () => arrived.resolve()), {
    maxConnections: 1,
    headersTimeoutMs: 100,
  });
  const first = peer.client.fetch(fetchOf());
  const gone = new AbortController();
  const left = peer.client.fetch(fetchOf('query', { signal: gone.signal }));
  const late = peer.client.fetch(fetchOf());
  gone.abort();
  await assert.rejects(left, { code: 'SUBGRAPH_UNAVAILABLE' });
  await arrived.promise;
  await Promise.all([first, late].map((one) => assert.rejects(one, { code: 'SUBGRAPH_TIMEOUT' })));
});

test('sends headers byte by byte, and none that would begin another request', async () => {
  let seen = '';
  const peer = await startPeer((socket) =>
    onRequests(socket, (request) => {
      seen = request;
      socket.write(PLAIN);
    }),
  );
  const variables = { name: 'żółw' };
  const headers = { 'x-latin': 'caf\u00e9', 'content-length': '1', connection: 'close', accept: 'text/html' };
  await peer.client.fetch(fetchOf('query', { headers, variables }));
  assert.match(seen, /^POST \/graphql HTTP\/1\.1\r\nhost: 127\.0\.0\.1:\d+\r\nx-latin: caf\u00e9\r\n/);
  assert.equal(seen.match(/content-length|connection|accept/g)?.join(), 'accept,content-length');
  const body = Buffer.from(seen.slice(seen.indexOf('\r\n\r\n') + 4), 'latin1').toString();
  assert.deepEqual(JSON.parse(body).variables, variables);
  for (const value of ['a\r\nx: y', 'a\nb', '\u0000', '\u0100'])
    await assert.rejects(peer.client.fetch(fetchOf('query', { headers: { 'x-bad': value } })), {
      code: 'BAD_REQUEST',
    });
});

test('what is under way when the client is closed is answered', async () => {
  const asked = Promise.withResolvers<Socket>();
  const peer = await startPeer((socket) => onRequests(socket, () => asked.resolve(socket)));
  const fetched = peer.client.fetch(fetchOf());
  const socket = await asked.promise;
  const closed = once(socket, 'close');
  await peer.client.close();
  socket.write(PLAIN);
  assert.deepEqual(await fetched, RESULT);
  await closed;
});

test('speaks TLS, and only with whom the certificate names', async () => {
  const [key, cert] = ['key', 'cert'].map((name) =>
    readFileSync(new URL(`../../support/tls/${name}.pem`, import.meta.url), 'utf8'),
  );
  setDefaultCACertificates([cert ?? '']);
  const server = createSecureServer({ key, cert }, (socket) =>
    onRequests(socket, () =>
      socket.write(`HTTP/1.1 200 OK\r\ncontent-length: ${large.length}\r\n\r\n${large}`),
    ),
  );
  const large = JSON.stringify({ data: { a: 'x'.repeat(300_000) } });
  await once(server.listen(0), 'listening');
  const { port } = server.address() as AddressInfo;
  const [client, stranger] = ['localhost', '127.0.0.1'].map((host) =>
    createHttpClient({ name: 'goods', url: `https://${host}:${port}/graphql` }),
  );
  after(async () => {
    await Promise.all([client?.close(), stranger?.close()]);
    server.close();
  });
  for (let n = 0; n < 2; n++) assert.deepEqual(await client?.fetch(fetchOf()), JSON.parse(large));
  await assert.rejects(async () => stranger?.fetch(fetchOf()), { code: 'SUBGRAPH_UNAVAILABLE' });
});
