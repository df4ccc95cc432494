import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { listen, sendJson, type HttpListener } from '#platform/http.ts';
import { readBody } from '#platform/request-body.ts';
import { createLog } from '#platform/log.ts';
import { openRaw, readUntil } from '../support/raw-http.ts';

let listener: HttpListener;
let reading = Promise.withResolvers<void>();
before(async () => {
  listener = await listen({
    host: '127.0.0.1',
    port: 0,
    log: createLog('test', 'silent'),
    routes: [
      {
        methods: ['POST'],
        path: '/slow',
        handle: async (request, response, url) => {
          const body = readBody(request, 1_000, Number(url.searchParams.get('ms')));
          reading.resolve();
          sendJson(response, 200, { body: await body });
        },
      },
    ],
  });
});
after(() => listener.close(0));

async function sendHalf(ms: number) {
  reading = Promise.withResolvers();
  const socket = await openRaw(
    listener.port,
    `POST /slow?ms=${ms} HTTP/1.1\r\nhost: x\r\ncontent-length: 4\r\n\r\nab`,
  );
  await reading.promise;
  return socket;
}

test('a body that does not arrive in time is refused with 408', async () => {
  const socket = await sendHalf(10);
  assert.match(await readUntil(socket, '}]}'), /^HTTP\/1\.1 408 [^]*"code":"REQUEST_TIMEOUT"/);
  socket.destroy();
});

test('one that comes in pieces, but in time, is read whole', async () => {
  const socket = await sendHalf(3_600_000);
  socket.write('cd');
  assert.match(await readUntil(socket, '"}'), /^HTTP\/1\.1 200 [^]*{"body":"abcd"}/);
  socket.destroy();
});
