import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, beforeEach, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { listen } from '#platform/http.ts';
import { createLog } from '#platform/log.ts';
import { createMetrics } from '#platform/metrics.ts';
import { createFront } from '../../../gateway/front.ts';
import { createLoadShedding } from '../../../gateway/traffic/load-shedding.ts';
import { createTrafficMetrics } from '../../../gateway/traffic/metrics.ts';
import { judge, watchPressure, type PressureKind } from '../../../gateway/traffic/pressure.ts';
import { readEvents } from './event-reader.ts';
import { createFakeEngine } from './fake-engine.ts';
import { codeOf, post } from './fake-gateway.ts';

describe('load shedding', async () => {
  let pressure: PressureKind | null = null;
  beforeEach(() => void (pressure = null));
  const engine = createFakeEngine();
  const log = createLog('gateway', 'silent');
  const metrics = createMetrics('gateway');
  const shedding = createLoadShedding({
    maxConcurrent: 1,
    maxQueued: 1,
    maxWaitMs: 3_600_000,
    retryAfterS: 7,
    pressure: { now: () => pressure },
    metrics: createTrafficMetrics(metrics),
  });
  const front = await createFront(engine, engine.gateway, { auth: null, log, metrics });
  const routes = front.routes.map((route) => (route.path === '/graphql' ? shedding.route(route) : route));
  const upgrades = front.upgrades.map((route) => shedding.upgrade(route));
  const listener = await listen({ host: '127.0.0.1', port: 0, routes, upgrades, log });
  const url = `http://127.0.0.1:${listener.port}`;
  after(async () => {
    await front.drain(0);
    await listener.close(0);
    await front.close();
  });
  const shedFor = async (reason: string) =>
    Number(
      new RegExp(`gateway_shed_requests_total{reason="${reason}".*} (\\d+)`).exec(
        await metrics.metrics(),
      )?.[1],
    );

  /** A request that holds the only place until its client leaves. */
  const occupy = async () => {
    const client = new AbortController();
    const arrived = engine.nextHanging();
    const body = JSON.stringify({ query: '{ hanging }' });
    const headers = { 'content-type': 'application/json' };
    const done = fetch(`${url}/graphql`, { method: 'POST', body, headers, signal: client.signal }).catch(
      () => null,
    );
    await arrived;
    return { leave: () => client.abort(), done };
  };

  test('answers 503 with Retry-After once places and queue are taken, and serves who waited', async () => {
    const first = await occupy();
    const waiting = post({ url }, { query: '{ hello }' });
    await untilWaiting(1);
    const refused = await post({ url }, { query: '{ hello }' }, { 'x-correlation-id': 'report-12345' });
    assert.equal(refused.status, 503);
    assert.equal(codeOf(refused), 'SERVICE_UNAVAILABLE');
    assert.equal(refused.headers.get('retry-after'), '7');
    assert.deepEqual(refused.body.errors?.[0]?.extensions, {
      code: 'SERVICE_UNAVAILABLE',
      retryAfterMs: 7_000,
      correlationId: 'report-12345',
    });
    assert.equal(await shedFor('queue-full'), 1);
    first.leave();
    assert.deepEqual((await waiting).body.data, { hello: 'Hello, world' });
    await first.done;
  });

  test('a client that leaves the queue leaves no place taken', async () => {
    const first = await occupy();
    const gone = new AbortController();
    const waiting = fetch(`${url}/graphql?query={hello}`, {
      headers: { 'x-veza-preflight': '1', 'apollo-require-preflight': '1' },
      signal: gone.signal,
    }).catch(() => 'gone');
    await untilWaiting(1);
    gone.abort();
    assert.equal(await waiting, 'gone');
    await untilWaiting(0);
    first.leave();
    await first.done;
    assert.equal((await post({ url }, { query: '{ hello }' })).status, 200);
  });

  test('refuses requests and sockets while memory or the event loop suffers, health apart', async () => {
    for (const kind of ['heap', 'event-loop'] as const) {
      pressure = kind;
      assert.equal((await post({ url }, { query: '{ hello }' })).status, 503);
      const socket = new WebSocket(url.replace('http', 'ws') + '/graphql', 'graphql-transport-ws');
      const [error] = await once(socket, 'error');
      assert.match(String(error), /503/);
      assert.equal(await shedFor(kind), 2);
      assert.equal((await fetch(`${url}/health/live`)).status, 200);
    }
    pressure = null;
    assert.equal((await post({ url }, { query: '{ hello }' })).status, 200);
  });

  test('event streams hold no place', async () => {
    const upstream = engine.nextUpstream();
    const stream = await readEvents(url, { query: 'subscription { ticks }' });
    assert.equal((await post({ url }, { query: '{ hello }' })).status, 200);
    (await upstream).end();
    assert.equal((await stream.next())?.event, 'complete');
  });

  async function untilWaiting(count: number): Promise<void> {
    const line = new RegExp(`gateway_waiting_requests{.*} ${count}\\n`);
    while (!line.test(await metrics.metrics())) await new Promise(setImmediate);
  }
});

test('pressure is what lies above its limit', () => {
  const limits = { maxHeapRatio: 0.9, maxEventLoopLagMs: 100 };
  assert.equal(judge({ heapRatio: 0.9, eventLoopLagMs: 100 }, limits), null);
  assert.equal(judge({ heapRatio: 0.91, eventLoopLagMs: 0 }, limits), 'heap');
  assert.equal(judge({ heapRatio: 0, eventLoopLagMs: 101 }, limits), 'event-loop');
});

test('notices a heap above its limit, and an event loop that hangs', async () => {
  for (const [limits, kind] of [
    [{ maxHeapRatio: 0, maxEventLoopLagMs: 3_600_000 }, 'heap'],
    [{ maxHeapRatio: 1, maxEventLoopLagMs: 100 }, 'event-loop'],
  ] as const) {
    const pressure = watchPressure(limits);
    while (pressure.now() === null) {
      const until = performance.now() + 150;
      while (performance.now() < until);
      await new Promise(setImmediate);
    }
    assert.equal(pressure.now(), kind);
    pressure.close();
  }
});
