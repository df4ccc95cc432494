import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createClient } from 'graphql-sse';
import { createReader, readEvents } from './event-reader.ts';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';

describe('an EventSource that reconnects', () => {
  let gateway: FakeGateway;
  before(async () => {
    gateway = await startFakeGateway();
  });
  after(() => gateway.close());
  const query = 'subscription { log(name: "a") { cursor } }';

  test('says what it has seen last, and gets what came after', async () => {
    const address = `${gateway.url}/graphql?query=${encodeURIComponent(query)}`;
    const accept = 'text/event-stream';
    const first = createReader(await fetch(address, { headers: { accept } }), () => undefined);
    const upstream = await gateway.engine.nextUpstream();
    assert.deepEqual([upstream.request.query, upstream.request.variables], [query, null]);
    upstream.pushResult({ data: { log: { cursor: 'c1' } } });
    const event = await first.next();
    assert.deepEqual(event, { event: 'next', data: '{"data":{"log":{"cursor":"c1"}}}', id: 'c1' });
    upstream.pushResult({ data: null });
    assert.deepEqual(await first.next(), { event: 'next', data: '{"data":null}' });
    upstream.end();
    assert.deepEqual(await first.next(), { event: 'complete', data: '' });

    const headers = { accept, 'last-event-id': event?.id ?? '' };
    const second = createReader(await fetch(address, { headers }), () => undefined);
    const { request, after: position, end } = await gateway.engine.nextUpstream();
    assert.deepEqual([request.query, position], [query, 'c1']);
    end();
    assert.equal((await second.next())?.event, 'complete');
  });

  test('starts where its address says if it has seen nothing that a header could carry', async () => {
    for (const id of ['', 'two words', '\u00fc']) {
      const stream = readEvents(gateway.url, { query }, { 'last-event-id': id });
      const upstream = await gateway.engine.nextUpstream();
      assert.equal(upstream.after, undefined);
      upstream.pushResult({ data: { log: { cursor: 'a b' } } });
      assert.deepEqual(await (await stream).next(), {
        event: 'next',
        data: '{"data":{"log":{"cursor":"a b"}}}',
      });
      upstream.end();
    }
  });

  test('gets refusals as any other one', async () => {
    const stream = await readEvents(
      gateway.url,
      { query: 'subscription { log }' },
      { 'last-event-id': 'c1' },
    );
    assert.match((await stream.next())?.data ?? '', /GRAPHQL_VALIDATION_FAILED/);
    assert.equal((await stream.next())?.event, 'complete');
  });

  test('is not the only client: that of the graphql-sse package reads events with ids, too', async () => {
    const client = createClient({ url: `${gateway.url}/graphql` });
    const results = client.iterate({ query });
    const first = results.next();
    const upstream = await gateway.engine.nextUpstream();
    upstream.pushResult({ data: { log: { cursor: 'c1' } } });
    assert.deepEqual((await first).value?.data, { log: { cursor: 'c1' } });
    upstream.end();
    assert.equal((await results.next()).done, true);
    client.dispose();
  });
});
