import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ResponseReader } from '../../../gateway/engine/client/http1/response-reader.ts';
import { seededRandom } from '../../support/random.ts';

const BODY = '{"data":{"a":"ü"}}';
const length = Buffer.byteLength(BODY);
const plain = `HTTP/1.1 200 OK\r\ncontent-length: ${length}\r\n\r\n${BODY}`;

const bytesOf = (text: string) => Buffer.from(text);
const chunk = (text: string) => `${Buffer.byteLength(text).toString(16)}\r\n${text}\r\n`;

const responses: readonly [name: string, text: string][] = [
  ['a length', plain],
  ['chunks', `HTTP/1.1 200 OK\r\nTransfer-Encoding: Chunked\r\n\r\n${chunk(BODY)}0\r\n\r\n`],
  [
    'chunks with extensions and trailers',
    `HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5;a="b"\r\n{"dat\r\n${chunk(BODY.slice(5))}0;c\r\nx-sum: 1\r\n\r\n`,
  ],
  ['an early hint before it', `HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\n${plain}`],
  ['the same length twice', plain.replace('\r\n\r\n', `\r\nContent-Length: ${length}\r\n\r\n`)],
  ['no reason phrase', plain.replace('200 OK', '200 ')],
];

for (const [name, text] of responses) {
  test(`reads a response with ${name}, wherever it is cut`, () => {
    const bytes = bytesOf(text);
    for (let cut = 0; cut <= bytes.length; cut++) {
      const read: string[] = [];
      const reader = new ResponseReader({ onHead: () => 1_000, onEnd: (body) => read.push(body) });
      // A copy that is overwritten, as a socket's buffer is.
      for (const part of [bytes.subarray(0, cut), bytes.subarray(cut)]) {
        const volatile = Buffer.from(part);
        reader.push(volatile);
        volatile.fill(0);
      }
      assert.deepEqual(read, [BODY], `cut at ${cut}`);
      assert.ok(reader.isAtStart);
    }
  });
}

test('reads any sequence of responses cut into any pieces [seed printed]', (context) => {
  const seed = Number(process.env['SEED'] ?? 7);
  context.diagnostic(`SEED=${seed}`);
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  for (let round = 0; round < 300; round++) {
    const sent = Array.from({ length: 1 + below(4) }, () => responses[below(responses.length)]);
    const bytes = bytesOf(sent.map((one) => one?.[1]).join(''));
    const read: string[] = [];
    const reader = new ResponseReader({ onHead: () => 1_000, onEnd: (body) => read.push(body) });
    for (let at = 0; at < bytes.length;) {
      const end = Math.min(bytes.length, at + 1 + below(40));
      reader.push(Buffer.from(bytes.subarray(at, end)));
      at = end;
    }
    assert.deepEqual(
      read,
      sent.map(() => BODY),
      `round ${round}`,
    );
  }
});
