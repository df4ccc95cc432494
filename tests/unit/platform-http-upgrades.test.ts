import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { listen, refuseUpgrade, sendJson, type HttpListener } from '#platform/http.ts';
import { readBody } from '#platform/request-body.ts';
import { createLog } from '#platform/log.ts';
import { rawAnswer } from '../support/raw-http.ts';

const MAX_BYTES = 100;
const H2C =
  'connection: Upgrade, HTTP2-Settings, close\r\nupgrade: h2c\r\nhttp2-settings: AAMAAABkAAQAAP__\r\n';
const SOCKET = 'host: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n';

describe('requests for another protocol', () => {
  let listener: HttpListener;
  before(async () => {
    listener = await listen({
      host: '127.0.0.1',
      port: 0,
      log: createLog('test', 'silent'),
      routes: [
        {
          methods: ['GET', 'POST'],
          path: '/echo',
          handle: async (request, response) =>
            sendJson(response, 200, { method: request.method, body: await readBody(request, MAX_BYTES) }),
        },
      ],
      upgrades: [{ path: '/echo', handle: (_request, socket) => refuseUpgrade(socket, '403 Forbidden') }],
    });
  });
  after(() => listener.close(0));

  it('answers a request that offers HTTP/2 on the side as it stands, its body included', async () => {
    const posted = await rawAnswer(
      listener.port,
      `POST /echo HTTP/1.1\r\nhost: x\r\n${H2C}content-length: 5\r\n\r\nhello`,
    );
    assert.match(posted, /^HTTP\/1\.1 200 OK\r\n[^]*\{"method":"POST","body":"hello"\}$/);
    const got = await rawAnswer(listener.port, `GET /echo HTTP/1.1\r\nhost: x\r\n${H2C}\r\n`);
    assert.match(got, /^HTTP\/1\.1 200 OK\r\n[^]*\{"method":"GET","body":""\}$/);
  });

  it('lets no socket begin among the answers to earlier requests of its connection', async () => {
    const earlier = 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n\r\nfirst';
    const socket =
      'GET /echo HTTP/1.1\r\nhost: x\r\nconnection: Upgrade, close\r\nupgrade: websocket\r\n\r\n';
    const answers = await rawAnswer(listener.port, earlier + socket);
    const bodies = [...answers.matchAll(/\{.*?\}/g)].map(([body]) => body);
    assert.deepEqual(bodies, ['{"method":"POST","body":"first"}', '{"method":"GET","body":""}']);
    assert.equal(answers.split('HTTP/1.1 200 ').length, 3, answers);
  });

  for (const [path, status] of [
    ['/echo', '403'],
    ['/elsewhere', '404'],
  ] as const)
    it(`keeps nothing of a socket refused with ${status} whose client holds its own end open`, async () => {
      const accepted = once(listener.server, 'connection');
      const client = connect({ port: listener.port, host: '127.0.0.1', allowHalfOpen: true });
      client.write(`GET ${path} HTTP/1.1\r\n${SOCKET}`);
      const [served] = await accepted;
      const [answer] = await once(client, 'data');
      assert.match(String(answer), new RegExp(`^HTTP/1\\.1 ${status} `));
      if (!served.destroyed) await once(served, 'close');
      client.destroy();
    });
});
