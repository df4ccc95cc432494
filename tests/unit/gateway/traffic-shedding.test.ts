import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, beforeEach, describe, test } from 'node:test';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { createMetrics } from '#platform/metrics.ts';
import { createShedLog, SUMMARY_EVERY_MS } from '../../../gateway/telemetry/shed-log.ts';
import { createLoadShedding } from '../../../gateway/traffic/load-shedding.ts';
import { createTrafficMetrics } from '../../../gateway/traffic/metrics.ts';
import { judge, watchPressure, type PressureKind } from '../../../gateway/traffic/pressure.ts';
import { connectSocket } from '../../support/graphql-ws-client.ts';
import { recordingLog, type RecordingLog } from '../../support/recording-log.ts';
import { readEvents } from './event-reader.ts';
import { codeOf, post, startFakeGateway } from './fake-gateway.ts';

const FRIEND = 'https://app.example';
const GRAPHQL_RESPONSE = 'application/graphql-response+json';

describe('load shedding', async () => {
  let pressure: PressureKind | null = null;
  beforeEach(() => void (pressure = null));
  const metrics = createMetrics('gateway');
  const shedding = createLoadShedding({
    maxConcurrent: 1,
    maxQueued: 1,
    maxWaitMs: 3_600_000,
    retryAfterS: 7,
    pressure: { now: () => pressure },
    metrics: createTrafficMetrics(metrics),
  });
  const { url, engine, close } = await startFakeGateway({ metrics, shedding, corsOrigins: [FRIEND] });
  after(close);
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
    const refused = await post(
      { url },
      { query: '{ hello }' },
      { 'x-correlation-id': 'report-12345', origin: FRIEND, accept: GRAPHQL_RESPONSE },
    );
    assert.equal(refused.status, 503);
    assert.equal(refused.headers.get('access-control-allow-origin'), FRIEND);
    assert.equal(refused.headers.get('content-type'), `${GRAPHQL_RESPONSE}; charset=utf-8`);
    assert.equal(refused.headers.get('x-correlation-id'), 'report-12345');
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

  test('event streams hold a place while they begin, and none once they are live', async () => {
    const subscribing = holdSubscribe();
    const opening = readEvents(url, { query: 'subscription { ticks }' });
    await subscribing.asked;
    const waiting = post({ url }, { query: '{ hello }' });
    await untilWaiting(1);
    subscribing.release();
    assert.equal((await waiting).status, 200);
    const stream = await opening;
    (await engine.nextUpstream()).end();
    assert.equal((await stream.next())?.event, 'complete');
  });

  test('so do operations of sockets, which are refused under their own id', async () => {
    const client = await connectSocket(url);
    const subscribing = holdSubscribe();
    client.send({ type: 'subscribe', id: 's', payload: { query: 'subscription { ticks }' } });
    await subscribing.asked;
    const waiting = post({ url }, { query: '{ hello }' });
    await untilWaiting(1);
    client.send({ type: 'subscribe', id: 'q', payload: { query: '{ hello }' } });
    const refused = await client.next();
    assert.deepEqual([refused.id, refused.type], ['q', 'error']);
    assert.match(JSON.stringify(refused.payload), /"retryAfterMs":7000,"code":"SERVICE_UNAVAILABLE"/);
    subscribing.release();
    assert.equal((await waiting).status, 200);
    const upstream = await engine.nextUpstream();
    upstream.push('live');
    assert.deepEqual((await client.next()).payload, { data: { ticks: 'live' } });
    await client.close();
    await upstream.returned;
  });

  test('an operation that its client completes while it waits is not run, and leaves no place taken', async () => {
    const first = await occupy();
    const client = await connectSocket(url);
    client.send({ type: 'subscribe', id: 'm', payload: { query: 'mutation { rename(name: "late") }' } });
    await untilWaiting(1);
    client.send({ type: 'complete', id: 'm' });
    await untilWaiting(0);
    first.leave();
    await first.done;
    assert.equal((await post({ url }, { query: '{ hello }' })).status, 200);
    assert.deepEqual(engine.mutations, []);
    await client.close();
  });

  /** Holds the next subscription that starts. */
  function holdSubscribe() {
    const asked = Promise.withResolvers<void>();
    const held = Promise.withResolvers<void>();
    const { subscribe } = engine;
    engine.subscribe = async (request, scope) => {
      engine.subscribe = subscribe;
      asked.resolve();
      await held.promise;
      return subscribe(request, scope);
    };
    return { asked: asked.promise, release: held.resolve };
  }

  async function untilWaiting(count: number): Promise<void> {
    const line = new RegExp(`gateway_waiting_requests{.*} ${count}\\n`);
    while (!line.test(await metrics.metrics())) await new Promise(setImmediate);
  }
});

const loggedLine = z.looseObject({ msg: z.string(), level: z.string() });
const linesOf = ({ text }: RecordingLog, ...messages: string[]) =>
  text()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => loggedLine.parse(JSON.parse(line)))
    .filter(({ msg }) => messages.includes(msg));

describe('the log of refused requests', () => {
  const REFUSED = ['request answered with errors', 'more requests refused'];

  async function refuse(logRequests: 'failed' | 'all') {
    const recording = recordingLog();
    const metrics = createMetrics('gateway');
    const shedding = createLoadShedding({
      ...{ maxConcurrent: 1, maxQueued: 1, maxWaitMs: 1, retryAfterS: 7 },
      pressure: { now: () => 'heap' },
      metrics: createTrafficMetrics(metrics),
    });
    const { log } = recording;
    const gateway = await startFakeGateway({ metrics, shedding, log, logRequests });
    for (let request = 0; request < 4; request += 1)
      assert.equal((await post(gateway, { query: '{ hello }' })).status, 503);
    await gateway.close();
    assert.match(await metrics.metrics(), /gateway_shed_requests_total{reason="heap".*} 4\n/);
    return linesOf(recording, ...REFUSED);
  }

  test('has a line for the first one, and one for all others', async () => {
    const [first, rest, ...others] = await refuse('failed');
    assert.ok(first && rest);
    assert.deepEqual(
      [first.level, first['status'], first['codes'], first['reason']],
      ['warn', 503, ['SERVICE_UNAVAILABLE'], 'heap'],
    );
    assert.deepEqual([rest.level, rest['requests'], rest['reasons']], ['warn', 3, { heap: 3 }]);
    assert.equal(typeof rest['withinMs'], 'number');
    assert.deepEqual(others, []);
  });

  test('has a line for each where each request is to have one', async () => {
    const messages = (await refuse('all')).map(({ msg }) => msg);
    assert.deepEqual(
      messages,
      Array.from({ length: 4 }, () => REFUSED[0]),
    );
  });

  test('sums up once per interval for as long as it goes on, and then begins anew', (t) => {
    t.mock.timers.enable({ apis: ['setTimeout'] });
    const recording = recordingLog();
    const sheds = createShedLog(recording.log);
    const sums = () => linesOf(recording, 'more requests refused').map(({ requests }) => requests);
    assert.ok(sheds.isFirst('heap'));
    for (const count of [2, 5]) {
      for (let one = 0; one < count; one += 1) assert.ok(!sheds.isFirst('queue-full'));
      t.mock.timers.tick(SUMMARY_EVERY_MS);
    }
    assert.deepEqual(sums(), [2, 5]);
    t.mock.timers.tick(SUMMARY_EVERY_MS);
    assert.ok(sheds.isFirst('heap'));
    t.mock.timers.tick(SUMMARY_EVERY_MS);
    assert.ok(sheds.isFirst('heap'));
    sheds.close();
    assert.deepEqual(sums(), [2, 5]);
  });
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
