import assert from 'node:assert/strict';
import { after, before, it } from 'node:test';
import { listen, sendJson, type HttpListener } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { rawAnswer } from '../support/raw-http.ts';

const COUNT = 'POST /count HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n';
const CLOSE = 'connection: close\r\n';

let listener: HttpListener;
let counted = 0;

before(async () => {
  const handle = (_request: unknown, response: Parameters<typeof sendJson>[0]) =>
    sendJson(response, 200, (counted += 1));
  listener = await listen({
    host: '127.0.0.1',
    port: 0,
    log: createLog('test', 'silent'),
    routes: [{ methods: ['POST'], path: '/count', handle }],
  });
});
after(() => listener.close(0));

const ask = (bytes: string) => rawAnswer(listener.port, bytes);

it('requests on one connection are answered in order', async () => {
  counted = 0;
  const answers = await ask(`${COUNT}\r\n${COUNT}\r\n${COUNT}${CLOSE}\r\n`);
  const bodies = [...answers.matchAll(/\r\n\r\n(\d)/g)].map(([, body]) => body);
  assert.deepEqual(bodies, ['1', '2', '3'], answers);
});

for (const [what, first] of [
  ['is ambiguous', 'POST /count HTTP/1.1\r\nhost: x\r\nhost: y\r\ncontent-length: 0\r\n\r\n'],
  ['is ambiguous in its path', 'POST /./count HTTP/1.1\r\nhost: x\r\ncontent-length: 0\r\n\r\n'],
])
  it(`what stands behind a request that ${what} is not done`, async () => {
    counted = 0;
    const answers = await ask(`${first}${COUNT}\r\n`);
    assert.match(answers, /^HTTP\/1\.1 400 [^]*"code":"BAD_REQUEST"[^]*$/);
    assert.equal(counted, 0);
  });
