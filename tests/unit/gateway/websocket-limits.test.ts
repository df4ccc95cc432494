import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { FormattedExecutionResult } from 'graphql';
import { connectSocket, openSocket } from '../../support/graphql-ws-client.ts';
import { LiveEvent } from '../../../gateway/engine/live/live-event.ts';
import { startFakeGateway } from './fake-gateway.ts';

const subscribe = (id: string) => ({ type: 'subscribe', id, payload: { query: 'subscription { ticks }' } });
const EVENT_BYTES = 100_000;

describe('sockets under pressure', () => {
  test('a socket that never initialises is closed', async () => {
    const gateway = await startFakeGateway({ socketLimits: { initTimeoutMs: 20, sweepMs: 5 } });
    const client = await openSocket(gateway.url);
    assert.equal((await client.closed).code, 4408);
    await gateway.close();
  });

  test('a client that reads nothing holds back its subscription instead of filling memory, and is let go', async () => {
    const gateway = await startFakeGateway({ socketLimits: { stallMs: 50, sweepMs: 10 } });
    const client = await connectSocket(gateway.url);
    client.send(subscribe('s'));
    const upstream = await gateway.engine.nextUpstream();
    client.socket.pause();
    const events = 1_000;
    for (let at = 0; at < events; at += 1) upstream.push('x'.repeat(EVENT_BYTES));
    await upstream.returned;
    assert.ok(
      upstream.taken < events / 2,
      `${upstream.taken} of ${events} events were taken for a client that reads none`,
    );
    client.socket.resume();
    client.socket.terminate();
    await gateway.close();
  });

  test('a client that pauses and goes on gets every event, in order', async () => {
    const gateway = await startFakeGateway();
    const client = await connectSocket(gateway.url);
    client.send(subscribe('s'));
    const upstream = await gateway.engine.nextUpstream();
    client.socket.pause();
    const events = 300;
    for (let at = 0; at < events; at += 1) upstream.push(`${at} ${'x'.repeat(EVENT_BYTES)}`);
    upstream.end();
    setImmediate(() => client.socket.resume());
    for (let at = 0; at < events; at += 1) {
      const { payload } = await client.next();
      assert.ok(JSON.stringify(payload).startsWith(`{"data":{"ticks":"${at} `), `event ${at}`);
    }
    assert.equal((await client.next()).type, 'complete');
    await client.close();
    await gateway.close();
  });

  /** Events that come whether or not the client can take them, as those do that others share. */
  async function tooFast(notice: FormattedExecutionResult | null) {
    const gateway = await startFakeGateway();
    const events = 300;
    gateway.engine.follow = async (_request, _scope, subscriber) => {
      for (let at = 0; at < events; at += 1) {
        const data = { ticks: `${at} ${'x'.repeat(EVENT_BYTES)}` };
        subscriber.next(new LiveEvent({ data }, null, undefined, () => notice));
      }
      return { stop: () => undefined };
    };
    const client = await connectSocket(gateway.url);
    client.send(subscribe('s'));
    let message = await client.next();
    let seen = 0;
    while (JSON.stringify(message).includes(`{"ticks":"${seen} x`)) {
      seen += 1;
      message = await client.next();
    }
    assert.ok(seen > 0 && seen < events, `${seen} of ${events} events were sent at once`);
    await client.close();
    await gateway.close();
    return message;
  }

  test('a client that is too slow for events that others share is told that it misses some, in its own words', async () => {
    const notice = { data: { ticks: 'some are missing' } };
    assert.deepEqual(await tooFast(notice), { id: 's', type: 'next', payload: notice });
  });

  test('and where the subscription has no words for that, it ends with an error', async () => {
    const message = await tooFast(null);
    assert.equal(message.type, 'error');
    assert.match(JSON.stringify(message.payload), /SLOW_CONSUMER/);
  });

  test('a peer that floods pings without reading is not read either, and let go', async () => {
    const gateway = await startFakeGateway({
      socketLimits: { stallMs: 50, sweepMs: 10, closeTimeoutMs: 10 },
    });
    const client = await connectSocket(gateway.url);
    client.socket.pause();
    const ping = JSON.stringify({ type: 'ping', payload: { text: 'x'.repeat(EVENT_BYTES) } });
    const pings = 1_000;
    for (let at = 0; at < pings; at += 1) client.socket.send(ping);
    let takenBytes = 0;
    for (;;) {
      const waitingBytes = client.socket.bufferedAmount;
      if ((await socketsOpen(gateway.url)) === 0) break;
      takenBytes = pings * EVENT_BYTES - waitingBytes;
    }
    assert.ok(
      takenBytes < (pings * EVENT_BYTES) / 2,
      `${takenBytes} bytes were read of a peer that reads none`,
    );
    client.socket.terminate();
    await gateway.close();
  });

  test('silent sockets are pinged, and dropped when nobody answers', async () => {
    const gateway = await startFakeGateway({ socketLimits: { keepAliveMs: 1_000, sweepMs: 20 } });
    const dead = await connectSocket(gateway.url);
    const alive = await connectSocket(gateway.url);
    const pinged = new Promise((resolve) => alive.socket.once('ping', resolve));
    dead.socket.pause();
    await pinged;
    while ((await socketsOpen(gateway.url)) > 1) await new Promise((resolve) => setImmediate(resolve));
    assert.equal(alive.socket.readyState, alive.socket.OPEN);
    dead.socket.terminate();
    await alive.close();
    await gateway.close();
  });

  test('an orderly end closes sockets with 1001, takes no new ones and is not ready any more', async () => {
    const gateway = await startFakeGateway();
    const clients = await Promise.all(Array.from({ length: 30 }, () => connectSocket(gateway.url)));
    clients[0]?.send(subscribe('s'));
    const upstream = await gateway.engine.nextUpstream();
    assert.equal((await fetch(`${gateway.url}/health/ready`)).status, 200);
    const drained = gateway.front.drain(100);
    assert.deepEqual(
      (await Promise.all(clients.map(({ closed }) => closed))).map(({ code }) => code),
      clients.map(() => 1001),
    );
    await upstream.returned;
    await drained;
    await assert.rejects(openSocket(gateway.url), /503/);
    assert.equal((await fetch(`${gateway.url}/health/ready`)).status, 503);
    assert.equal((await fetch(`${gateway.url}/health/live`)).status, 200);
    await gateway.close();
  });
});

async function socketsOpen(url: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return Number(/gateway_open_sockets\{[^}]*\} (\d+)/.exec(text)?.[1]);
}
