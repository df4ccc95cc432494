import assert from 'node:assert/strict';
import { once } from 'node:events';
import { Agent, get } from 'node:http';
import { text } from 'node:stream/consumers';
import { after, before, describe, it } from 'node:test';
import { CodedError, ERROR_STATUS } from '#platform/errors.ts';
import { listen, plainHeaders, sendJson, sendText, type HttpListener } from '#platform/http.ts';
import { readBody } from '#platform/request-body.ts';
import { recordingLog } from '../support/recording-log.ts';
import { openRaw, rawAnswer } from '../support/raw-http.ts';

const MAX_BYTES = 1_000;
const logged = recordingLog();
let listener: HttpListener;
let base: string;
let aborted = Promise.withResolvers<void>();

before(async () => {
  listener = await listen({
    host: '127.0.0.1',
    port: 0,
    log: logged.log,
    routes: [
      {
        methods: ['GET'],
        path: '/text',
        handle: (_q, response) => sendText(response, 200, 'text/plain', 'hé'),
      },
      {
        methods: ['POST', 'PUT'],
        path: '/echo',
        handle: async (request, response) => {
          try {
            sendJson(response, 200, { body: await readBody(request, MAX_BYTES) });
          } finally {
            if (request.errored) aborted.resolve();
          }
        },
      },
      {
        methods: ['GET'],
        path: '/tree/*',
        handle: (_q, response, url) => sendJson(response, 200, url.pathname),
      },
      {
        methods: ['GET'],
        path: '/coded',
        handle: () => {
          throw new CodedError('RATE_LIMITED', 'Too fast.', { retryAfterMs: 5 });
        },
      },
      {
        methods: ['GET'],
        path: '/broken',
        handle: () => {
          throw new Error('secret detail');
        },
      },
      {
        methods: ['GET'],
        path: '/half',
        handle: (_request, response) => {
          response.writeHead(200).write('half');
          throw new Error('died midway');
        },
      },
      {
        methods: ['GET'],
        path: '/headers',
        handle: (request, response) => sendJson(response, 200, plainHeaders(request)),
      },
    ],
  });
  base = `http://127.0.0.1:${listener.port}`;
});
after(() => listener.close());

const codeOf = async (response: Response): Promise<unknown> =>
  ((await response.json()) as { errors: { extensions: { code: string } }[] }).errors[0]?.extensions.code;

describe('the HTTP listener', () => {
  it('routes by exact path and by prefix, and answers 404 with a code elsewhere', async () => {
    assert.equal(await (await fetch(`${base}/text?x=1`)).text(), 'hé');
    assert.equal(await (await fetch(`${base}/tree/a/b`)).json(), '/tree/a/b');
    for (const path of ['/', '/text/', '/tree', '/Text', '//text', '//127.0.0.1/text']) {
      const response = await fetch(base + path);
      assert.equal(response.status, 404, path);
      assert.equal(await codeOf(response), 'NOT_FOUND');
    }
  });

  it('answers 405 with every allowed method to the others', async () => {
    const posted = await fetch(`${base}/text`, { method: 'POST' });
    assert.deepEqual([posted.status, posted.headers.get('allow')], [405, 'GET, HEAD']);
    assert.equal(await codeOf(posted), 'METHOD_NOT_ALLOWED');
    const got = await fetch(`${base}/echo`);
    assert.deepEqual([got.status, got.headers.get('allow')], [405, 'POST, PUT']);
  });

  it('answers HEAD like GET, without the body', async () => {
    const response = await fetch(`${base}/text`, { method: 'HEAD' });
    assert.deepEqual([response.status, response.headers.get('content-length')], [200, '3']);
    assert.equal(await response.text(), '');
  });

  it('keeps a connection for longer than a balancer before it does, and says so', async () => {
    const { headers } = await fetch(`${base}/text`);
    assert.equal(headers.get('keep-alive'), 'timeout=65');
    assert.equal(listener.server.keepAliveTimeout, 65_000);
  });

  it('shows a coded error with its status and details', async () => {
    const response = await fetch(`${base}/coded`);
    assert.equal(response.status, ERROR_STATUS.RATE_LIMITED);
    assert.deepEqual(await response.json(), {
      errors: [{ message: 'Too fast.', extensions: { retryAfterMs: 5, code: 'RATE_LIMITED' } }],
    });
  });

  it('masks any other error, and logs it whole', async () => {
    const response = await fetch(`${base}/broken`);
    assert.equal(response.status, 500);
    const body = await response.text();
    assert.match(body, /INTERNAL_SERVER_ERROR/);
    assert.doesNotMatch(body, /secret detail/);
    assert.match(logged.text(), /secret detail/);
  });

  it('cuts the connection where a route fails midway, so that half an answer never looks whole', async () => {
    await assert.rejects(async () => (await fetch(`${base}/half`)).text());
  });

  it('refuses a target that is no URL', async () => {
    const answer = await rawAnswer(
      listener.port,
      'GET http://[::bad HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    );
    assert.match(answer, /^HTTP\/1\.1 400 /);
  });

  it('joins headers that came twice', async () => {
    const answer = await rawAnswer(
      listener.port,
      'GET /headers HTTP/1.1\r\nhost: x\r\nconnection: close\r\nx-a: 1\r\nX-A: 2\r\n\r\n',
    );
    assert.match(answer, /"x-a":"1, 2"/);
  });

  it('gives clients that dribble a limited time', () => {
    const { headersTimeout, requestTimeout } = listener.server;
    assert.ok(headersTimeout > 0 && headersTimeout <= 30_000);
    assert.ok(requestTimeout > 0 && requestTimeout <= 30 * 60_000);
  });
});

describe('the body of a request', () => {
  const post = (body: BodyInit) => fetch(`${base}/echo`, { method: 'POST', body });
  const postChunked = (body: Buffer<ArrayBuffer>) => {
    const request = { method: 'POST', body: new Blob([body]).stream(), duplex: 'half' };
    return fetch(`${base}/echo`, request);
  };

  it('is read up to the limit, to the byte', async () => {
    const body = 'ä'.repeat(MAX_BYTES / 2);
    assert.deepEqual(await (await post(body)).json(), { body });
    assert.equal((await post(`${body}.`)).status, 413);
  });

  it('over the limit is answered with 413 although the client is still sending, chunked or not', async () => {
    for (const size of [MAX_BYTES + 1, 300_000, 3_000_000]) {
      const whole = await post(Buffer.alloc(size, 'x'));
      assert.deepEqual([whole.status, await codeOf(whole)], [413, 'PAYLOAD_TOO_LARGE'], `${size} bytes`);
      const chunked = await postChunked(Buffer.alloc(size, 'x'));
      assert.deepEqual(
        [chunked.status, await codeOf(chunked)],
        [413, 'PAYLOAD_TOO_LARGE'],
        `${size} bytes, chunked`,
      );
    }
  });

  it('over the limit leaves a connection that serves the next request', async () => {
    const big = 'x'.repeat(100_000);
    const answer = await rawAnswer(
      listener.port,
      `POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: ${big.length}\r\n\r\n${big}` +
        'GET /text HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n',
    );
    assert.match(answer, /^HTTP\/1\.1 413 /);
    assert.match(answer, /HTTP\/1\.1 200 OK/);
  });

  it('that is not UTF-8 is refused', async () => {
    const response = await post(Buffer.from([0x22, 0xff, 0xfe, 0x22]));
    assert.deepEqual([response.status, await codeOf(response)], [400, 'BAD_REQUEST']);
  });

  it('whose client goes away midway is no failure of the server', async () => {
    aborted = Promise.withResolvers();
    const before = logged.count('error');
    const socket = await openRaw(
      listener.port,
      'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-length: 500\r\n\r\nabc',
    );
    socket.resetAndDestroy();
    await aborted.promise;
    assert.equal((await fetch(`${base}/text`)).status, 200);
    assert.equal(logged.count('error'), before);
  });
});

describe('an upgrade', () => {
  it('to an unknown path is answered with 404 and closed', async () => {
    const answer = await rawAnswer(
      listener.port,
      'GET /nowhere HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    );
    assert.match(answer, /^HTTP\/1\.1 404 /);
  });
});

describe('listening', () => {
  it('on a port in use rejects with a message that names the port and PORT', async () => {
    const options = { host: '127.0.0.1', port: listener.port, routes: [], log: logged.log };
    await assert.rejects(listen(options), new RegExp(`Port ${listener.port} on 127.0.0.1 is in use.*PORT`));
  });

  it('at an address that is not of this machine rejects with a message that names it', async () => {
    const options = { host: '192.0.2.1', port: 0, routes: [], log: logged.log };
    await assert.rejects(listen(options), /192\.0\.2\.1/);
  });
});

describe('closing a listener', () => {
  const held = () => {
    const entered = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    return {
      entered: entered.promise,
      release: release.resolve,
      route: {
        methods: ['GET'],
        path: '/held',
        handle: async (_request: unknown, response: Parameters<typeof sendText>[0]) => {
          entered.resolve();
          await release.promise;
          sendText(response, 200, 'text/plain', 'done');
        },
      },
    };
  };

  it('lets requests in flight finish, and then waits for no idle connection', async () => {
    const { entered, release, route } = held();
    const own = await listen({ host: '127.0.0.1', port: 0, routes: [route], log: logged.log });
    const agent = new Agent({ keepAlive: true });
    const request = get({ port: own.port, path: '/held', agent });
    await entered;
    const closed = own.close(60_000);
    await assert.rejects(openRaw(own.port), /ECONNREFUSED/);
    release();
    const [response] = await once(request, 'response');
    assert.equal(response.headers.connection, 'close', 'no client sends its next request into the void');
    assert.equal(await text(response), 'done');
    // Without the sweep this would wait for the keep-alive, and the test run for its own time limit.
    await closed;
    agent.destroy();
  });

  it('cuts what is not done within the grace, upgraded sockets too', async () => {
    const { entered, route } = held();
    const upgraded = Promise.withResolvers<void>();
    const upgrades = [{ path: '/socket', handle: () => upgraded.resolve() }];
    const own = await listen({ host: '127.0.0.1', port: 0, routes: [route], upgrades, log: logged.log });
    const request = get({ port: own.port, path: '/held', agent: false });
    const failed = once(request, 'error');
    const socket = await openRaw(
      own.port,
      'GET /socket HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n',
    );
    await Promise.all([entered, upgraded.promise]);
    const cut = once(socket, 'close');
    await own.close(1);
    const [[error]] = await Promise.all([failed, cut]);
    assert.equal(error.code, 'ECONNRESET');
  });
});
