import assert from 'node:assert/strict';
import { test } from 'node:test';
import { openSocket } from '../../support/graphql-ws-client.ts';
import { rawAnswer } from '../../support/raw-http.ts';
import { recordingLog } from '../../support/recording-log.ts';
import { startFakeGateway } from './fake-gateway.ts';

const UPGRADE = 'GET /graphql HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n';

test('sockets that are refused are counted by their reasons, and logged once each while many come', async (t) => {
  const { log, text } = recordingLog();
  const gateway = await startFakeGateway({ log });
  t.after(() => gateway.close());
  const origin = `https://evil.example/${'x'.repeat(500)}`;
  for (const _ of [1, 2, 3]) await assert.rejects(openSocket(gateway.url, { headers: { origin } }), /403/);
  for (const line of ['', 'sec-websocket-key: short\r\nsec-websocket-version: 13\r\n'])
    assert.match(await rawAnswer(gateway.listener.port, `${UPGRADE}${line}\r\n`), /^HTTP\/1\.1 400 /);
  await (await openSocket(gateway.url)).close();
  await gateway.front.drain(0);
  await assert.rejects(openSocket(gateway.url), /503/);
  const figures = await gateway.metrics.metrics();
  const count = (reason: string) =>
    Number(
      new RegExp(`gateway_socket_refusals_total\\{[^}]*reason="${reason}"[^}]*\\} (\\d+)`).exec(figures)?.[1],
    );
  assert.deepEqual(['origin', 'handshake', 'closing'].map(count), [3, 2, 1]);
  const lines = text()
    .split('\n')
    .filter((line) => /socket refused|more requests refused/.test(line))
    .map((line) => JSON.parse(line));
  assert.deepEqual(
    lines.map(({ msg, reason, reasons }) => reason ?? reasons ?? msg),
    ['origin', { origin: 2, handshake: 2 }, 'closing'],
  );
  assert.ok(lines[0].origin.length <= 200);
});
