import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { buildSchema, parse, validate } from 'graphql';
import { createClient } from 'graphql-sse';
import { resumptionOf } from '../../../gateway/subscriptions/resumption.ts';
import { createReader, readEvents } from './event-reader.ts';
import { startFakeGateway, type FakeGateway } from './fake-gateway.ts';

const schema = buildSchema(/* GraphQL */ `
  scalar Cursor
  interface Event {
    cursor: Cursor!
  }
  type Said implements Event {
    cursor: Cursor!
    text(after: Cursor): String
  }
  type Query {
    nothing: Int
  }
  type Subscription {
    events(room: ID, after: Cursor): Event!
    strictEvents(after: Cursor!): Event!
    ticks: Said!
  }
`);

/** What runs for a client that has seen `c7`. */
function continued(query: string, variables?: Record<string, unknown>, operationName?: string) {
  const { operation } = resumptionOf({ query, variables, operationName }, schema, 'c7');
  assert.deepEqual(validate(schema, parse(operation.query)), [], operation.query);
  return { ...operation, query: operation.query.replace(/\s+/g, ' ') };
}

describe('a subscription continues behind the last event', () => {
  test('where it has begun anywhere, and where it has begun behind another one', () => {
    const expected =
      'subscription ($lastEventId: Cursor) { events(room: 1, after: $lastEventId) { cursor } }';
    for (const given of ['room: 1', 'room: 1, after: "c1"', 'after: null, room: 1']) {
      const { query, variables } = continued(`subscription { events(${given}) { cursor } }`);
      assert.deepEqual([query, variables], [expected, { lastEventId: 'c7' }]);
    }
    const strict = continued('subscription { strictEvents(after: "c1") { cursor } }');
    assert.match(strict.query, /^subscription \(\$lastEventId: Cursor!\)/);
  });

  test('by the variable that it has for that, with its text as it is', () => {
    const query = 'subscription ($room: ID, $from: Cursor) { events(room: $room, after: $from) { cursor } }';
    for (const variables of [undefined, { from: 'c1' }]) {
      const changed = continued(query, variables);
      assert.deepEqual([changed.query, changed.variables], [query, { from: 'c7' }]);
    }
  });

  test('by a variable that it has not', () => {
    const changed = continued('subscription ($lastEventId: ID) { events(room: $lastEventId) { cursor } }', {
      lastEventId: '1',
    });
    assert.deepEqual(changed.variables, { lastEventId: '1', lastEventId_: 'c7' });
  });

  test('whatever fragments and other operations its document has', () => {
    const changed = continued(
      `subscription A { ...Root ...Root2 } subscription B { ...Root }
       fragment Root on Subscription { events(after: "c1") { cursor } }
       fragment Root2 on Subscription { events(after: "c1") { ... on Said { text(after: "own") } } }`,
      {},
      'A',
    );
    assert.equal(changed.operationName, 'A');
    assert.equal(changed.query.match(/events\(after: \$lastEventId\)/g)?.length, 2);
    assert.match(changed.query, /text\(after: "own"\)/);
    assert.doesNotMatch(changed.query, /subscription B/);
  });

  test('but as it is where it has no position, or the client names none', () => {
    const ticks = { query: 'subscription { ticks { cursor } }' };
    assert.equal(resumptionOf(ticks, schema, 'c7').operation, ticks);
    const events = { query: 'subscription { events { cursor } }' };
    for (const id of [undefined, '', 'two words', 'ü', 'a\nb'])
      assert.equal(resumptionOf(events, schema, id).operation, events);
  });
});

describe('the id of an event', () => {
  const idOf = (query: string, data: Record<string, unknown> | null) =>
    resumptionOf({ query }, schema, undefined).idOf({ data });

  test('is its cursor, under whatever names and in whatever fragments it was selected', () => {
    assert.equal(idOf('subscription { events { cursor } }', { events: { cursor: 'c1' } }), 'c1');
    assert.equal(idOf('subscription { e: events { at: cursor } }', { e: { at: 'c1' } }), 'c1');
    const query = `subscription { ...Root } fragment Root on Subscription { events { ... on Said { text at: cursor } } }`;
    assert.equal(idOf(query, { events: { text: 'x', at: 'c1' } }), 'c1');
  });

  test('is none where no line could carry it, and where there is no cursor to continue from', () => {
    const query = 'subscription { events { cursor } }';
    for (const cursor of [null, 7, '', 'a\nid: b', 'a b'])
      assert.equal(idOf(query, { events: { cursor } }), null);
    for (const data of [null, {}, { events: null }]) assert.equal(idOf(query, data), null);
    assert.equal(idOf('subscription { events { __typename } }', { events: { cursor: 'c1' } }), null);
    assert.equal(idOf('subscription { ticks { cursor } }', { ticks: { cursor: 'c1' } }), null);
  });
});

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
    const { request, end } = await gateway.engine.nextUpstream();
    assert.match(request.query, /log\(name: "a", after: \$lastEventId\)/);
    assert.deepEqual(request.variables, { lastEventId: 'c1' });
    end();
    assert.equal((await second.next())?.event, 'complete');
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
