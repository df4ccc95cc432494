import assert from 'node:assert/strict';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-sse';
import type { GatewayAuth } from '../../../gateway/auth/auth.ts';
import { createReader, readEvents } from './event-reader.ts';
import { reserve } from './stream-client.ts';
import { codeOf, answerOf, startFakeGateway, type FakeGateway } from './fake-gateway.ts';

const TICKS = { query: 'subscription { ticks }' };

describe('server-sent events', () => {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway();
  });
  after(() => gateway.close());

  test('work with the client of the graphql-sse package', async () => {
    const client = createClient({ url: `${gateway.url}/graphql` });
    const upstream = gateway.engine.nextUpstream();
    const results = client.iterate<{ ticks: string }>(TICKS);
    const first = results.next();
    (await upstream).push('one');
    assert.deepEqual((await first).value?.data, { ticks: 'one' });
    (await upstream).end();
    assert.equal((await results.next()).done, true);
    client.dispose();
  });

  test('carry events, then the end', async () => {
    const stream = await readEvents(gateway.url, TICKS);
    const upstream = await gateway.engine.nextUpstream();
    assert.equal(stream.response.headers.get('content-type'), 'text/event-stream; charset=utf-8');
    upstream.push('line\nbreak');
    assert.deepEqual(await stream.next(), { event: 'next', data: '{"data":{"ticks":"line\\nbreak"}}' });
    upstream.end();
    assert.deepEqual(await stream.next(), { event: 'complete', data: '' });
    assert.equal(await stream.next(), null);
  });

  test('open over GET, as EventSource does it', async () => {
    const response = await fetch(`${gateway.url}/graphql?query=${encodeURIComponent(TICKS.query)}`, {
      headers: { accept: 'text/event-stream' },
    });
    const stream = createReader(response, () => undefined);
    (await gateway.engine.nextUpstream()).end();
    assert.equal((await stream.next())?.event, 'complete');
  });

  test('answer queries too, but no mutation over GET', async () => {
    const stream = await readEvents(gateway.url, { query: '{ hello }' });
    assert.deepEqual(await stream.next(), { event: 'next', data: '{"data":{"hello":"Hello, world"}}' });
    assert.equal((await stream.next())?.event, 'complete');
    const mutation = encodeURIComponent('mutation { rename(name: "no") }');
    const answer = await answerOf(
      await fetch(`${gateway.url}/graphql?query=${mutation}`, { headers: { accept: 'text/event-stream' } }),
    );
    assert.deepEqual([answer.status, codeOf(answer)], [405, 'METHOD_NOT_ALLOWED']);
  });

  test('tell why an operation is refused', async () => {
    for (const [query, code] of [
      ['{', 'GRAPHQL_PARSE_FAILED'],
      ['subscription { missing }', 'GRAPHQL_VALIDATION_FAILED'],
      ['subscription { refused }', 'FORBIDDEN'],
    ] as const) {
      const stream = await readEvents(gateway.url, { query });
      assert.match((await stream.next())?.data ?? '', new RegExp(code));
      assert.equal((await stream.next())?.event, 'complete');
    }
  });

  test('serve subscriptions of clients that would also read JSON, and leave their queries JSON', async () => {
    const accept = 'application/graphql-response+json, application/json, text/event-stream';
    const stream = await readEvents(gateway.url, TICKS, { accept });
    (await gateway.engine.nextUpstream()).end();
    assert.equal((await stream.next())?.event, 'complete');
    const { response } = await readEvents(gateway.url, { query: '{ hello }' }, { accept });
    assert.match(response.headers.get('content-type') ?? '', /graphql-response\+json/);
    await response.arrayBuffer();
  });

  test('end the upstream when the client goes away', async () => {
    const stream = await readEvents(gateway.url, TICKS);
    const upstream = await gateway.engine.nextUpstream();
    stream.cancel();
    await upstream.returned;
  });

  test('refuse malformed requests as any other request', async () => {
    const response = await fetch(`${gateway.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', accept: 'text/event-stream' },
      body: '{"query":7}',
    });
    assert.equal(response.status, 400);
    assert.equal(codeOf(await answerOf(response)), 'BAD_REQUEST');
  });

  test('hold an event back rather than queue for a client that reads nothing', async () => {
    const stream = await readEvents(gateway.url, TICKS);
    const upstream = await gateway.engine.nextUpstream();
    const events = 1_000;
    for (let at = 0; at < events; at += 1) upstream.push('x'.repeat(100_000));
    // The first event has come through all buffers; those are full long before the last one.
    assert.equal((await stream.next())?.event, 'next');
    assert.ok(upstream.taken < events / 2, `${upstream.taken} of ${events} events were taken`);
    stream.cancel();
    await upstream.returned;
  });

  test('of a client that has gone before they begin end at once', async () => {
    const waiting = Promise.withResolvers<null>();
    const asked = Promise.withResolvers<void>();
    const auth: GatewayAuth = {
      authenticate: () => (asked.resolve(), waiting.promise),
      requireCurrent: () => undefined,
      onRevoked: () => () => undefined,
      ready: async () => undefined,
      close: async () => undefined,
    };
    const own = await startFakeGateway({ auth });
    const gone = once(own.listener.server, 'connection').then(([socket]) => once(socket, 'close'));
    const control = new AbortController();
    const reading = fetch(`${own.url}/graphql?query=${encodeURIComponent(TICKS.query)}`, {
      headers: { accept: 'text/event-stream' },
      signal: control.signal,
    });
    await asked.promise;
    control.abort();
    await assert.rejects(reading);
    await gone;
    waiting.resolve(null);
    await (
      await own.engine.nextUpstream()
    ).returned;
    await own.close();
  });
});

describe('a gateway that ends', () => {
  test('ends its event streams without `complete`, so that their clients come again', async () => {
    const first = await startFakeGateway();
    const second = await startFakeGateway();
    let url = `${first.url}/graphql`;
    const client = createClient({ url: () => url, retry: async () => void (url = `${second.url}/graphql`) });
    const results = client.iterate<{ ticks: string }>(TICKS);
    const one = results.next();
    const upstream = await first.engine.nextUpstream();
    upstream.push('one');
    assert.deepEqual((await one).value?.data, { ticks: 'one' });
    const two = results.next();
    await first.close();
    await upstream.returned;
    (await second.engine.nextUpstream()).push('two');
    assert.deepEqual((await two).value?.data, { ticks: 'two' });
    client.dispose();
    await second.close();
  });

  test('answers queries still, and ends a subscription as soon as it has begun', async () => {
    const gateway = await startFakeGateway();
    const stream = await readEvents(gateway.url, { query: '{ hello hanging }' });
    await gateway.engine.nextHanging();
    await gateway.front.drain(0);
    const late = await readEvents(gateway.url, TICKS);
    // An EventSource would take any other status for the end of it all.
    assert.equal(late.response.status, 200);
    assert.equal(await late.next(), null);
    await (
      await gateway.engine.nextUpstream()
    ).returned;
    gateway.engine.answerHanging('in time');
    assert.equal((await stream.next())?.data, '{"data":{"hello":"Hello, world","hanging":"in time"}}');
    assert.equal((await stream.next())?.event, 'complete');
    await gateway.close();
  });

  test('ends them one after the other, so that their clients do not come back all at once', async () => {
    const gateway = await startFakeGateway();
    const streams = await Promise.all(Array.from({ length: 3 }, () => readEvents(gateway.url, TICKS)));
    for (const _ of streams) await gateway.engine.nextUpstream();
    const shared = await Promise.all(Array.from({ length: 3 }, () => reserve(gateway.url)));
    const opened = await Promise.all(shared.map((client) => client.open()));
    let ended = 0;
    const ends = [...streams, ...opened].map(async (stream) => {
      while (await stream.next());
      ended += 1;
    });
    const drained = gateway.front.drain(4_000);
    await Promise.race(ends);
    assert.ok(ended < 4, `${ended} ended at once`);
    await drained;
    await Promise.all(ends);
    await gateway.close();
  });
});
