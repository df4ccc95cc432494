import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { brotliDecompressSync, gunzipSync } from 'node:zlib';
import { rawAnswer } from '../../support/raw-http.ts';
import { readEvents } from './event-reader.ts';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';

const LONG = 'x'.repeat(20_000);
const DECODE = { br: brotliDecompressSync, gzip: gunzipSync };

/** The head and the undecoded body of an answer. */
async function ask({ listener }: FakeGateway, query: string, headers: Record<string, string> = {}) {
  const body = JSON.stringify({ query });
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`);
  const request = `POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n${lines.join('')}content-length: ${body.length}\r\n\r\n${body}`;
  const answer = await rawAnswer(listener.port, request, 'latin1');
  const at = answer.indexOf('\r\n\r\n');
  const [head, bytes] = [answer.slice(0, at), Buffer.from(answer.slice(at + 4), 'latin1')];
  const coding = /^content-encoding: (.*)$/im.exec(head)?.[1]?.trim();
  assert.equal(Number(/^content-length: (\d+)/im.exec(head)?.[1]), bytes.length);
  return { head, bytes, coding };
}

for (const fastPath of [true, false])
  describe(`compression ${fastPath ? 'on the fast path' : 'behind Apollo Server'}`, () => {
    let gateway: FakeGateway;
    before(async () => {
      gateway = await startFakeGateway({ fastPath });
    });
    after(() => gateway.close());

    const long = `{ hello(name: "${LONG}") }`;
    const whole = JSON.stringify({ data: { hello: `Hello, ${LONG}` } });

    test('takes the coding that the client prefers, of those that it knows', async () => {
      for (const [accepted, coding] of [
        ['br', 'br'],
        ['gzip', 'gzip'],
        ['gzip, deflate, br', 'br'],
        ['br;q=0.5, gzip;q=0.8', 'gzip'],
        ['GZIP', 'gzip'],
        ['*', 'br'],
        ['br;q=0, *;q=0.1', 'gzip'],
      ] as const) {
        const answer = await ask(gateway, long, { 'accept-encoding': accepted });
        assert.equal(answer.coding, coding, accepted);
        assert.equal(JSON.stringify(JSON.parse(DECODE[coding](answer.bytes).toString())), whole);
        assert.ok(answer.bytes.length < whole.length / 10);
        assert.match(answer.head, /^vary: .*accept-encoding/im);
      }
    });

    test('is left to clients that ask for it, and to long answers', async () => {
      for (const accepted of ['identity', 'deflate', '', 'gzip;q=0', 'br;q=0, gzip;q=0, *', 'zstd']) {
        const answer = await ask(gateway, long, { 'accept-encoding': accepted });
        assert.equal(answer.coding, undefined, accepted);
      }
      assert.equal((await ask(gateway, long)).coding, undefined);
      assert.equal((await ask(gateway, '{ hello }', { 'accept-encoding': 'br' })).coding, undefined);
    });

    test('is for answers with errors, too', async () => {
      const { bytes, coding } = await ask(gateway, `{ broken hello(name: "${LONG}") }`, {
        'accept-encoding': 'gzip',
      });
      assert.equal(coding, 'gzip');
      assert.match(gunzipSync(bytes).toString(), /INTERNAL_SERVER_ERROR/);
    });

    test('gives everybody who shares one run the coding that he asked for', async () => {
      const answers = await Promise.all(
        ['br', 'gzip', 'br', ''].map((accepted) => ask(gateway, long, { 'accept-encoding': accepted })),
      );
      assert.deepEqual(
        answers.map(({ coding }) => coding),
        ['br', 'gzip', 'br', undefined],
      );
    });
  });

describe('compression', () => {
  test('is never for event streams, whose events must not wait for one another', async () => {
    const gateway = await startFakeGateway();
    const stream = await readEvents(
      gateway.url,
      { query: 'subscription { ticks }' },
      { 'accept-encoding': 'br, gzip' },
    );
    const upstream = await gateway.engine.nextUpstream();
    upstream.push(LONG);
    assert.equal(stream.response.headers.get('content-encoding'), null);
    assert.ok((await stream.next())?.data.includes(LONG));
    stream.cancel();
    await gateway.close();
  });

  test('can be turned off, and begins where it is told to', async () => {
    const off = await startFakeGateway({ compression: { enabled: false, minBytes: 1 } });
    assert.equal((await ask(off, '{ hello }', { 'accept-encoding': 'br' })).coding, undefined);
    await off.close();
    const eager = await startFakeGateway({ compression: { enabled: true, minBytes: 1 } });
    assert.equal((await ask(eager, '{ hello }', { 'accept-encoding': 'br' })).coding, 'br');
    await eager.close();
  });
});
