import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createLoggedFeed } from '../../support/federation/logged-feed.ts';
import { subscribeTo } from './subscriber.ts';

const LOG = 'subscription($after: String) { log(after: $after) { seq } }';
const seqs = (events: readonly Record<string, unknown>[]) => events.map(({ seq }) => seq);
const upTo = (last: number, first = 1) => Array.from({ length: last - first + 1 }, (_, at) => first + at);

describe('a subscription whose upstream is lost', () => {
  test('goes on behind its last event, with what was missed, though it selects no cursor', async () => {
    const feed = createLoggedFeed();
    const subscriber = await subscribeTo(feed.engine, LOG);
    feed.publish();
    await subscriber.has(1);
    feed.isDown = true;
    feed.cut();
    feed.publish();
    feed.publish();
    feed.isDown = false;
    await subscriber.has(3);
    feed.publish();
    await subscriber.has(4);
    assert.deepEqual(seqs(subscriber.events), upTo(4));
    subscriber.following.stop();
  });

  test('goes on from where its client began, where there was no event yet', async () => {
    const feed = createLoggedFeed();
    const subscriber = await subscribeTo(feed.engine, LOG, { after: 'c0' });
    feed.cut();
    feed.publish();
    await subscriber.has(1);
    assert.deepEqual(seqs(subscriber.events), [1]);
    subscriber.following.stop();
  });

  test('goes on from where its subgraph says that it began, where there was no event and no position yet', async () => {
    const feed = createLoggedFeed();
    feed.tellsStart = true;
    feed.publish();
    const subscriber = await subscribeTo(feed.engine, LOG);
    feed.isDown = true;
    feed.cut();
    feed.publish();
    feed.isDown = false;
    await subscriber.has(1);
    assert.deepEqual(seqs(subscriber.events), [2]);
    subscriber.following.stop();
  });

  test('goes on from where it joined the upstream of another one', async () => {
    const feed = createLoggedFeed();
    feed.tellsStart = true;
    const first = await subscribeTo(feed.engine, LOG);
    feed.publish();
    await first.has(1);
    const second = await subscribeTo(feed.engine, 'subscription { log { number: seq } }');
    feed.cut();
    feed.publish();
    await Promise.all([first.has(2), second.has(1)]);
    assert.deepEqual(seqs(first.events), [1, 2]);
    assert.deepEqual(second.events, [{ number: 2 }]);
    for (const { following } of [first, second]) following.stop();
  });

  test('waits while its subgraph says that it cannot answer now, and ends where it says that it will not', async () => {
    const feed = createLoggedFeed();
    const subscriber = await subscribeTo(feed.engine, LOG, { after: 'c0' });
    feed.refusesWith = 'SERVICE_UNAVAILABLE';
    feed.cut();
    feed.publish();
    await feed.refused();
    feed.refusesWith = null;
    await subscriber.has(1);
    feed.refusesWith = 'FORBIDDEN';
    feed.cut();
    assert.equal((await subscriber.ended)?.errors?.[0]?.extensions?.['code'], 'FORBIDDEN');
    assert.deepEqual(seqs(subscriber.events), [1]);
  });

  test('ends with an error where nobody knows what was missed', async () => {
    const feed = createLoggedFeed();
    const plain = await subscribeTo(feed.engine, 'subscription { plain { seq } }');
    feed.publish();
    await plain.has(1);
    feed.cut();
    assert.equal((await plain.ended)?.errors?.[0]?.extensions?.['code'], 'SUBGRAPH_UNAVAILABLE');
  });

  test('ends with an error once it was tried for long enough', async () => {
    const feed = createLoggedFeed({ resumeMs: 0 });
    const subscriber = await subscribeTo(feed.engine, LOG, { after: 'c0' });
    feed.isDown = true;
    feed.cut();
    assert.equal((await subscriber.ended)?.errors?.[0]?.message, 'The subgraph feed is down.');
    assert.equal(feed.open, 0);
  });
});

describe('a subscriber that comes back', () => {
  test('gets what it has missed from what the gateway remembers, and shares what follows', async () => {
    const feed = createLoggedFeed();
    const stayed = await subscribeTo(feed.engine, LOG);
    for (let count = 0; count < 5; count += 1) feed.publish();
    await stayed.has(5);
    const back = await subscribeTo(feed.engine, LOG, { after: 'c2' });
    assert.deepEqual(seqs(back.events), [3, 4, 5]);
    assert.equal(feed.opened, 1);
    feed.publish();
    await back.has(4);
    assert.deepEqual(seqs(back.events), [3, 4, 5, 6]);
    back.following.stop();
    stayed.following.stop();
  });

  test('from before that has an upstream of its own until it has come as far as the others', async () => {
    const feed = createLoggedFeed();
    for (let count = 0; count < 5; count += 1) feed.publish();
    const stayed = await subscribeTo(feed.engine, LOG);
    feed.publish();
    await stayed.has(1);
    const back = await subscribeTo(feed.engine, LOG, { after: 'c2' });
    await back.has(4);
    feed.publish();
    await Promise.all([back.has(5), stayed.has(2)]);
    assert.deepEqual(seqs(back.events), upTo(7, 3));
    assert.deepEqual(seqs(stayed.events), [6, 7]);
    assert.equal(feed.opened, 2);
    assert.equal(feed.open, 1);
    for (const { following } of [back, stayed]) following.stop();
  });

  test('to more than can be handed over at once has an upstream, too, which is read at its pace', async () => {
    const feed = createLoggedFeed({ recollection: { maxEvents: 10_000 } });
    const query = `subscription($after: String) { log(after: $after) { seq ${Array.from({ length: 40 }, (_, at) => `a${at}: cursor`).join(' ')} } }`;
    const stayed = await subscribeTo(feed.engine, query);
    for (let count = 0; count < 500; count += 1) feed.publish();
    await stayed.has(500);
    const back = await subscribeTo(feed.engine, query, { after: 'c1' });
    assert.equal(back.events.length, 0);
    await back.has(499);
    assert.deepEqual(seqs(back.events), upTo(500, 2));
    assert.equal(feed.opened, 2);
    for (const { following } of [back, stayed]) following.stop();
  });

  test('is told where to go on by the transport, too', async () => {
    const feed = createLoggedFeed();
    for (let count = 0; count < 5; count += 1) feed.publish();
    const back = await subscribeTo(
      feed.engine,
      'subscription { log(after: "c0") { seq } }',
      {},
      { after: 'c4' },
    );
    await back.has(1);
    assert.deepEqual(seqs(back.events), [5]);
    back.following.stop();
  });
});

describe('a supergraph that asks its subgraph for something else', () => {
  test('is taken at once where the events have a log', async () => {
    const feed = createLoggedFeed();
    const query = 'subscription { log { ... on Line { seq author { name } } } }';
    const subscriber = await subscribeTo(feed.engine, query);
    feed.publish();
    await subscriber.has(1);
    const { completions } = feed;
    feed.bringNamesHome();
    feed.publish();
    await subscriber.has(2);
    assert.deepEqual(subscriber.events[1], { seq: 2, author: { name: 'Name of a2' } });
    assert.equal(feed.completions, completions);
    assert.equal(feed.opened, 2);
    subscriber.following.stop();
  });
});
