import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLoggedFeed } from '../../support/federation/logged-feed.ts';
import { subscribeTo } from './subscriber.ts';

const LOG = 'subscription($after: String) { log(after: $after) { ... on Line { seq author { name } } } }';
const line = (seq: number) => ({ seq, author: { name: `Name of a${seq}` } });

describe('subscriptions that ask the same', () => {
  test('share one upstream and one run of their plan, and the last one takes both along', async () => {
    const feed = createLoggedFeed();
    const all = await Promise.all(Array.from({ length: 20 }, () => subscribeTo(feed.engine, LOG)));
    assert.equal(feed.opened, 1);
    assert.deepEqual(feed.engine.liveCounts(), { groups: 1, upstreams: 1, resumptions: 0 });
    feed.publish();
    feed.publish();
    for (const subscriber of all) {
      await subscriber.has(2);
      assert.deepEqual(subscriber.events, [line(1), line(2)]);
    }
    assert.equal(feed.completions, 2);
    const closed = feed.allClosed();
    for (const { following } of all.slice(1)) following.stop();
    assert.equal(feed.open, 1);
    all[0]?.following.stop();
    await closed;
    assert.deepEqual(feed.engine.liveCounts(), { groups: 0, upstreams: 0, resumptions: 0 });
  });

  test('are those of one caller: other headers are other subscriptions', async () => {
    const feed = createLoggedFeed({ ignoredHeaders: ['x-correlation-id'] });
    const as = (name: string, id: string) => ({ headers: { authorization: name, 'x-correlation-id': id } });
    const all = await Promise.all([
      subscribeTo(feed.engine, LOG, {}, as('ada', '1')),
      subscribeTo(feed.engine, LOG, {}, as('ada', '2')),
      subscribeTo(feed.engine, LOG, {}, as('bob', '3')),
    ]);
    assert.equal(feed.opened, 2);
    for (const { following } of all) following.stop();
  });

  test('of other variables or another selection of the same subgraph are subscriptions of their own', async () => {
    const feed = createLoggedFeed();
    const byRoom = 'subscription($room: ID) { log(room: $room) { seq } }';
    const all = await Promise.all([
      subscribeTo(feed.engine, byRoom, { room: 'a' }),
      subscribeTo(feed.engine, byRoom, { room: 'b' }),
      subscribeTo(feed.engine, 'subscription { log { seq } }'),
    ]);
    assert.equal(feed.opened, 3);
    for (const { following } of all) following.stop();
  });

  test('share the upstream where only other subgraphs are asked for other things', async () => {
    const feed = createLoggedFeed();
    const named = await subscribeTo(feed.engine, 'subscription { log { ... on Line { author { name } } } }');
    const renamed = await subscribeTo(
      feed.engine,
      'subscription { log { ... on Line { author { called: name } } } }',
    );
    assert.equal(feed.opened, 1);
    feed.publish();
    await Promise.all([named.has(1), renamed.has(1)]);
    assert.deepEqual(named.events, [{ author: { name: 'Name of a1' } }]);
    assert.deepEqual(renamed.events, [{ author: { called: 'Name of a1' } }]);
    named.following.stop();
    feed.publish();
    await renamed.has(2);
    renamed.following.stop();
  });

  test('have their own upstreams where sharing is off', async () => {
    const feed = createLoggedFeed({ sharing: false });
    const all = await Promise.all([subscribeTo(feed.engine, LOG), subscribeTo(feed.engine, LOG)]);
    assert.equal(feed.opened, 2);
    for (const { following } of all) following.stop();
  });
});

describe('a subscriber that is slow', () => {
  test('holds up nobody, and learns that events are missing by an event of its subscription', async () => {
    const feed = createLoggedFeed();
    const query = 'subscription { log { kind: __typename seq cursor ... on Gap { reason } } }';
    const fast = await subscribeTo(feed.engine, query);
    const notices: unknown[] = [];
    await feed.engine.follow(
      { query },
      { headers: {}, signal: new AbortController().signal },
      {
        next: (event) => notices.push(event.noticeOfMissed()?.result.data),
        busy: () => null,
        end: () => undefined,
      },
    );
    feed.publish();
    feed.publish();
    await fast.has(2);
    assert.deepEqual(notices[1], {
      log: { kind: 'Gap', seq: 2, cursor: 'c2', reason: 'SLOW_CONSUMER' },
    });
    assert.deepEqual(fast.events[1], { kind: 'Line', seq: 2, cursor: 'c2' });
  });

  test('alone is waited for', async () => {
    const feed = createLoggedFeed();
    const slow = await subscribeTo(feed.engine, LOG);
    feed.publish();
    await slow.has(1);
    slow.isBusyFrom = 2;
    for (let count = 0; count < 100; count += 1) feed.publish();
    await slow.has(2);
    await new Promise(setImmediate);
    assert.equal(slow.events.length, 2);
    slow.relieve();
    await slow.has(101);
    assert.deepEqual(slow.events.at(-1), line(101));
    slow.following.stop();
  });
});
