import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo } from 'node:net';
import { test } from 'node:test';
import { WebSocket } from 'ws';
import { createHash } from 'node:crypto';
import { textFrame } from '../../../gateway/subscriptions/text-frame.ts';

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';

/** Everything about the socket but the frames is the test's own, so that ws reads what was written. */
async function readByWs(frames: readonly Buffer[]): Promise<string[]> {
  const server = createServer((socket) => {
    socket.once('data', (request) => {
      const [, key = ''] = /sec-websocket-key: (.*)\r\n/i.exec(request.toString()) ?? [];
      const accept = createHash('sha1')
        .update(key + GUID)
        .digest('base64');
      socket.write(
        `HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\nsec-websocket-accept: ${accept}\r\n\r\n`,
      );
      for (const frame of frames) socket.write(frame);
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  const client = new WebSocket(`ws://127.0.0.1:${(server.address() as AddressInfo).port}`);
  const texts: string[] = [];
  const all = Promise.withResolvers<void>();
  client.on('error', all.reject);
  client.on('message', (data, isBinary) => {
    assert.equal(isBinary, false);
    texts.push(data.toString());
    if (texts.length === frames.length) all.resolve();
  });
  await all.promise;
  client.terminate();
  server.close();
  return texts;
}

test('a message in three parts is one frame of text, whatever its size', async () => {
  const sizes = [0, 1, 123, 124, 125, 65_533, 65_534, 70_000];
  const bodies = sizes.map((size) => 'x'.repeat(size)).concat('é → 🎵'.repeat(30));
  const frames = bodies.map((body) => textFrame(Buffer.from('{'), Buffer.from(body), Buffer.from('}')));
  assert.deepEqual(
    await readByWs(frames),
    bodies.map((body) => `{${body}}`),
  );
});
