import assert from 'node:assert/strict';
import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { after, before, describe, test } from 'node:test';
import { answerOf, codeOf, startFakeGateway, type Answer, type FakeGateway } from './fake-gateway.ts';

const UPLOAD = 'mutation ($files: [Upload!]!) { upload(files: $files) }';
const PREFLIGHT = { 'apollo-require-preflight': '1' };

function form(files: readonly string[]): FormData {
  const data = new FormData();
  data.set('operations', JSON.stringify({ query: UPLOAD, variables: { files: files.map(() => null) } }));
  data.set('map', JSON.stringify(Object.fromEntries(files.map((_, at) => [at, [`variables.files.${at}`]]))));
  for (const [at, content] of files.entries()) data.set(String(at), new Blob([content]), `file-${at}.txt`);
  return data;
}

const part = (name: string, value: string) =>
  `--x\r\ncontent-disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`;

const leftBehind = () => readdirSync(tmpdir()).filter((name) => name.startsWith('capacitor-'));

/** Files are removed after the answer was sent, on the disk's own time. */
async function untilRemoved(before: readonly string[]): Promise<void> {
  while (leftBehind().some((name) => !before.includes(name)))
    await new Promise((resolve) => setImmediate(resolve));
}

describe('uploads', () => {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway({ requestLimits: { maxFileBytes: 1_000, maxFiles: 2 } });
  });
  after(() => gateway.close());

  const send = async (
    body: FormData | string,
    headers: Record<string, string> = PREFLIGHT,
  ): Promise<Answer> => answerOf(await fetch(`${gateway.url}/graphql`, { method: 'POST', headers, body }));

  test('reach the mutation with name and content, and leave no file behind', async () => {
    const filesBefore = leftBehind();
    const { status, body } = await send(form(['one', 'two']));
    assert.equal(status, 200);
    assert.deepEqual(body.data, { upload: ['file-0.txt: one', 'file-1.txt: two'] });
    await untilRemoved(filesBefore);
  });

  test('that are too large are refused before the mutation runs', async () => {
    const filesBefore = leftBehind();
    const runsBefore = gateway.engine.mutations.length;
    for (const files of [['x'.repeat(2_000)], ['a', 'b', 'c']]) {
      const answer = await send(form(files));
      assert.deepEqual([answer.status, codeOf(answer)], [413, 'PAYLOAD_TOO_LARGE']);
    }
    assert.equal(gateway.engine.mutations.length, runsBefore);
    await untilRemoved(filesBefore);
  });

  test('that a foreign page could have sent are refused', async () => {
    const answer = await send(form(['one']), {});
    assert.deepEqual([answer.status, codeOf(answer)], [400, 'BAD_REQUEST']);
    assert.match(answer.body.errors?.[0]?.message ?? '', /forgery/);
  });

  test('that are broken are refused with what is wrong', async () => {
    const headers = { ...PREFLIGHT, 'content-type': 'multipart/form-data; boundary=x' };
    const bodies = [
      '',
      '--x--\r\n',
      `${part('operations', '{')}--x--\r\n`,
      `${part('operations', '7')}--x--\r\n`,
      `${part('map', '{}')}--x--\r\n`,
      `${part('operations', '{"query":"{ hello }"}')}${part('map', '{"0":["variables.file"]}')}--x--\r\n`,
      `${part('operations', '{"query":"{ hello }","variables":{"f":null}}')}${part('map', '{"0":["variables.f"]}')}--x--\r\n`,
      part('operations', '{"query":"{ hello }"}'),
    ];
    for (const body of bodies) {
      const answer = await send(body, headers);
      assert.deepEqual([answer.status, codeOf(answer)], [400, 'BAD_REQUEST'], body);
    }
    assert.equal((await send('', { ...PREFLIGHT, 'content-type': 'multipart/form-data' })).status, 400);
  });

  test('that stop half way run nothing and leave no file behind', async () => {
    const filesBefore = leftBehind();
    const runsBefore = gateway.engine.mutations.length;
    const socket = connect(gateway.listener.port, '127.0.0.1');
    await once(socket, 'connect');
    const request = new Request(gateway.url, { method: 'POST', body: form(['x'.repeat(900)]) });
    const body = Buffer.from(await request.arrayBuffer());
    const type = request.headers.get('content-type');
    const head = `POST /graphql HTTP/1.1\r\nhost: x\r\napollo-require-preflight: 1\r\ncontent-type: ${type}\r\n`;
    socket.write(`${head}content-length: ${body.length}\r\n\r\n`);
    socket.write(body.subarray(0, body.length - 200));
    while (leftBehind().length === filesBefore.length) await new Promise((resolve) => setImmediate(resolve));
    socket.destroy();
    await untilRemoved(filesBefore);
    assert.equal(gateway.engine.mutations.length, runsBefore);
  });
});
