import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, test } from 'node:test';
import type { FrontSettings } from '../../../gateway/front.ts';
import { openRaw, readUntil } from '../../support/raw-http.ts';
import { startWithSessions, tokenOf } from './believed-sessions.ts';
import { answerOf, codeOf, post, startFakeGateway } from './fake-gateway.ts';
import { putReservation, reserve } from './stream-client.ts';

const TICKS = 'subscription { ticks }';
const outcome = async (response: Response) => [response.status, codeOf(await answerOf(response))];

test('of more reservations than a process keeps, the oldest that nobody has opened goes', async () => {
  const gateway = await startFakeGateway();
  const opened = await reserve(gateway.url);
  const stream = await opened.open();
  const oldest = await reserve(gateway.url);
  const next = await reserve(gateway.url);
  // Over few connections, and without reading what each of them is called.
  const socket = await openRaw(gateway.listener.port);
  const put = 'PUT /graphql HTTP/1.1\r\nhost: x\r\n\r\n';
  socket.write(put.repeat(9_998));
  socket.write('PUT /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n');
  socket.resume();
  await once(socket, 'close');
  assert.deepEqual(await outcome((await oldest.open()).response), [404, 'NOT_FOUND']);
  (await next.open()).cancel();
  await opened.start('a', '{ hello }');
  assert.equal((await stream.nextMessage())?.id, 'a');
  stream.cancel();
  await gateway.close();
});

describe('a client that reads nothing', () => {
  const open = async (settings: Partial<FrontSettings> = {}) => {
    const gateway = await startFakeGateway(settings);
    const client = await reserve(gateway.url);
    const socket = await openRaw(
      gateway.listener.port,
      `GET /graphql?token=${client.token} HTTP/1.1\r\nhost: x\r\naccept: text/event-stream\r\n\r\n`,
    );
    await readUntil(socket, ':\n\n');
    socket.pause();
    return { gateway, client, socket };
  };

  test('holds an event of each operation back rather than have them queue', async () => {
    const { gateway, client, socket } = await open();
    const events = 1_000;
    const upstreams = [];
    for (const id of ['a', 'b']) {
      await client.start(id, TICKS);
      upstreams.push(await gateway.engine.nextUpstream());
    }
    for (let at = 0; at < events; at += 1)
      for (const upstream of upstreams) upstream.push('x'.repeat(100_000));
    // A round through the gateway, after which whatever it would take has been taken.
    for (let round = 0; round < 20; round += 1) await post(gateway, { query: '{ hello }' });
    for (const { taken } of upstreams)
      assert.ok(taken < events / 2, `${taken} of ${events} events were taken`);
    socket.destroy();
    for (const { returned } of upstreams) await returned;
    await gateway.close();
  });

  test('cannot fill memory with results of operations that it stops', async () => {
    const { gateway, client, socket } = await open({ socketLimits: { maxOperations: 3 } });
    const name = 'x'.repeat(900_000);
    const statuses: number[] = [];
    for (let at = 0; at < 40 && statuses.at(-1) !== 429; at += 1) {
      const started = await client.start('a', `query ($name: String) { hello(name: $name) }`, {
        variables: { name },
      });
      statuses.push(started.status);
      await client.stop('a');
    }
    assert.equal(statuses.at(-1), 429, `${statuses.length} results were written to a client that reads none`);
    socket.destroy();
    await gateway.close();
  });

  test('is let go after a while', async () => {
    const { gateway, client, socket } = await open({
      streamLimits: { stallMs: 50, heartbeatMs: { sse: 5, multipart: 5 } },
    });
    await client.start('a', TICKS);
    const upstream = await gateway.engine.nextUpstream();
    for (let at = 0; at < 1_000; at += 1) upstream.push('x'.repeat(100_000));
    await upstream.returned;
    assert.deepEqual(await outcome(await client.start('b', TICKS)), [404, 'NOT_FOUND']);
    socket.destroy();
    await gateway.close();
  });
});

test('a stream without an operation is let go after a while, one with a silent subscription is not', async () => {
  const gateway = await startFakeGateway({ socketLimits: { idleMs: 200 } });
  const [busy, idle] = [await reserve(gateway.url), await reserve(gateway.url)];
  await busy.start('s', TICKS);
  const upstream = await gateway.engine.nextUpstream();
  const stream = await busy.open();
  assert.equal(await (await idle.open()).nextMessage(), null);
  upstream.push('still here');
  assert.deepEqual((await stream.nextMessage())?.payload, { data: { ticks: 'still here' } });
  upstream.end();
  assert.equal((await stream.nextMessage())?.event, 'complete');
  assert.equal(await stream.nextMessage(), null);
  await gateway.close();
});

test('streams count among what a client has open from their reservation to their end, and among new sockets', async () => {
  const gateway = await startWithSessions({
    clientLimits: { perIdentity: { maxOpen: 1 }, perAddress: { maxOpen: 2 } },
  });
  const [ada, bob] = [tokenOf({ user: 'usr_ada' }), tokenOf({ user: 'usr_bob' })];
  const client = await reserve(gateway.url, ada);
  assert.deepEqual(await outcome(await putReservation(gateway.url, ada)), [429, 'RATE_LIMITED']);
  const other = await reserve(gateway.url, bob);
  assert.deepEqual(await outcome(await putReservation(gateway.url)), [429, 'RATE_LIMITED']);
  const stream = await client.open();
  await client.start('a', TICKS);
  const upstream = await gateway.engine.nextUpstream();
  stream.cancel();
  await upstream.returned;
  assert.equal((await putReservation(gateway.url, ada)).status, 201);
  (await other.open()).cancel();
  await gateway.close();
  const slow = await startFakeGateway({
    clientLimits: { perAddress: { sockets: { perS: 0.000001, burst: 1 } } },
  });
  assert.equal((await putReservation(slow.url)).status, 201);
  const refused = await putReservation(slow.url);
  assert.ok(Number(refused.headers.get('retry-after')) > 0);
  assert.deepEqual(await outcome(refused), [429, 'RATE_LIMITED']);
  await slow.close();
});
