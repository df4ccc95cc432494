import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, it } from 'node:test';
import { Redis } from 'ioredis';
import { CodedError } from '#platform/errors.ts';
import { redisLiveBus } from '#platform/events/live-bus-redis.ts';
import { silentLog } from '../../support/events.ts';
import { services, skipWithout } from '../../support/services.ts';
import { startTcpProxy } from '../../support/tcp-proxy.ts';
import { announcing, next, TOPICS } from './announced-kit.ts';

const ADDED = 'subscription ($id: ID!) { reviewAdded(productId: $id) { text author { name } } }';
const review = (id: string) => ({ __typename: 'Review', id });
const added = (text: string, author: string) => ({
  data: { reviewAdded: { text, author: { name: `Author ${author}` } } },
});

describe('a subscription to announced entities', () => {
  it('gets each from its subgraph, in the order of their announcement, and the rest from the others', async () => {
    const kit = announcing();
    const stream = await kit.open(ADDED, { id: '7' });
    for (const id of ['1', '2', '1']) await kit.bus.publish('review.added.7', review(id));
    await kit.bus.publish('review.added.8', review('2'));
    assert.deepEqual(
      [await next(stream), await next(stream), await next(stream)],
      [added('good', 'a'), added('bad', 'b'), added('good', 'a')],
    );
    assert.deepEqual(kit.fetches[0]?.representations, ['{"__typename":"Review","id":"1"}']);
    await stream.return();
  });

  it('gets what the subscription selects: aliases, arguments, variables, fragments, conditions', async () => {
    const kit = announcing();
    const query = `subscription S($p: ID!, $up: Boolean!, $no: Boolean!, $representations: Boolean) {
      r: reviewAdded(lang: "en", productId: $p) { ...parts loud: text(upper: $up) hidden: text @include(if: $no) }
    }
    fragment parts on Review { t: __typename ...words }
    fragment words on Review { c: text(upper: $representations) id }`;
    const stream = await kit.open(query, { p: '7', up: true, no: false, representations: true });
    await kit.bus.publish('review.added.7', review('1'));
    assert.deepEqual(await next(stream), { data: { r: { t: 'Review', c: 'GOOD', id: '1', loud: 'GOOD' } } });
    await stream.return();
  });

  it('tells members of unions and interfaces apart, by whichever of their keys', async () => {
    const kit = announcing();
    const activity = await kit.open(
      'subscription { activity { __typename ... on Review { text } ... on Rating { stars product { id } } } }',
    );
    await kit.bus.publish('activity.NEW', review('2'));
    await kit.bus.publish('activity.NEW', { __typename: 'Rating', product: { id: 'p' }, stars: 4 });
    assert.deepEqual(await next(activity), { data: { activity: { __typename: 'Review', text: 'bad' } } });
    assert.deepEqual(await next(activity), {
      data: { activity: { __typename: 'Rating', stars: 4, product: { id: 'p' } } },
    });
    const changed = await kit.open(
      'subscription { changed(id: 5) { id ... on Review { author { name } } ... on Rating { stars } } }',
    );
    await kit.bus.publish('node:5:changed', { __typename: 'Rating', id: 'r', stars: 1 });
    await kit.bus.publish('node:5:changed', review('1'));
    assert.deepEqual(await next(changed), { data: { changed: { id: 'r', stars: 1 } } });
    assert.deepEqual(await next(changed), { data: { changed: { id: '1', author: { name: 'Author a' } } } });
    await Promise.all([activity.return(), changed.return()]);
  });

  it('gives null and an error for an entity that is not there, and errors of one that is at their place', async () => {
    const kit = announcing();
    const stream = await kit.open('subscription { a: reviewAdded(productId: 7) { id text } }');
    await kit.bus.publish('review.added.7', review('none'));
    await kit.bus.publish('review.added.7', review('broken'));
    await kit.bus.publish('review.added.7', review('1'));
    const missing = 'The subgraph reviews has announced an object of type Review that it does not have.';
    assert.deepEqual(await next(stream), {
      data: { a: null },
      errors: [{ message: missing, path: ['a'], extensions: { code: 'NOT_FOUND', service: 'reviews' } }],
    });
    const broken = JSON.stringify(await next(stream));
    assert.match(broken, /"data":\{"a":null\}/);
    assert.match(broken, /"message":"no text","path":\["a","text"\]/);
    assert.deepEqual(await next(stream), { data: { a: { id: '1', text: 'good' } } });
    await stream.return();
  });

  it('drops and counts what is no announcement, or one of another type', async () => {
    const kit = announcing();
    const stream = await kit.open(ADDED, { id: '7' });
    const garbage = [null, 1, 'text', [], {}, { id: '1' }, { __typename: 5 }, { __typename: 'no name' }];
    for (const message of garbage) await kit.bus.publish('review.added.7', message);
    await kit.bus.publish('review.added.7', { __typename: 'Rating', id: 'r', stars: 1 });
    await kit.bus.publish('review.added.7', review('1'));
    assert.deepEqual(await next(stream), added('good', 'a'));
    assert.equal(kit.counts.malformed, garbage.length + 1);
    await stream.return();
  });

  it('asks again for an entity that its subgraph fails to give, and says so where that lasts', async () => {
    const kit = announcing();
    const stream = await kit.open(ADDED, { id: '7' });
    let failures = 2;
    const failing = () => Promise.reject(new CodedError('SUBGRAPH_UNAVAILABLE', 'gone'));
    kit.answer(() => (failures-- > 0 ? failing() : null));
    await kit.bus.publish('review.added.7', review('1'));
    await kit.bus.publish('review.added.7', review('2'));
    assert.deepEqual([await next(stream), await next(stream)], [added('good', 'a'), added('bad', 'b')]);
    await stream.return();

    const impatient = announcing({ giveUpMs: 0 });
    const other = await impatient.open(ADDED, { id: '7' });
    impatient.answer(failing);
    await impatient.bus.publish('review.added.7', review('1'));
    assert.match(JSON.stringify(await next(other)), /SUBGRAPH_UNAVAILABLE.*"data":\{"reviewAdded":null\}/s);
    impatient.answer(null);
    await impatient.bus.publish('review.added.7', review('2'));
    assert.deepEqual(await next(other), added('bad', 'b'));
    await other.return();
  });

  it('asks for each caller by itself: rights are those to the entity', async () => {
    const kit = announcing();
    const query = 'subscription { reviewAdded(productId: 7) { viewer } }';
    const [ada, bob] = [await kit.open(query, {}, { who: 'ada' }), await kit.open(query, {}, { who: 'bob' })];
    await kit.bus.publish('review.added.7', review('1'));
    assert.deepEqual(await next(ada), { data: { reviewAdded: { viewer: 'ada' } } });
    assert.deepEqual(await next(bob), { data: { reviewAdded: { viewer: 'bob' } } });
    await Promise.all([ada.return(), bob.return()]);
  });

  it('fails rather than to lose what a reader is too slow for', async () => {
    const kit = announcing();
    const stream = await kit.open(ADDED, { id: '7' });
    const held = Promise.withResolvers<void>();
    kit.answer(() => held.promise.then(() => ({ data: { _entities: [null] } })));
    for (let n = 0; n < 2_000; n++) await kit.bus.publish('review.added.7', review('1'));
    held.resolve();
    for (;;) {
      const { value } = await stream.next();
      const code = value?.errors?.[0]?.extensions?.['code'];
      if (code === 'SLOW_CONSUMER') break;
      assert.equal(code, 'NOT_FOUND');
    }
    assert.equal(kit.counts.dropped, 1);
  });

  it('is refused for a field without a topic, and where the live bus is away', async () => {
    const kit = announcing();
    assert.equal(await kit.codeOf('subscription { unannounced { id } }'), 'SUBGRAPH_UNAVAILABLE');
    await kit.bus.close();
    assert.equal(await kit.codeOf(ADDED, { id: '7' }), 'SERVICE_UNAVAILABLE');
  });

  it('reaches no topic but that of its own arguments', async () => {
    const kit = announcing();
    const topics: string[] = [];
    const subscribe = kit.bus.subscribe.bind(kit.bus);
    kit.bus.subscribe = (topic) => {
      topics.push(topic);
      return subscribe(topic);
    };
    for (const id of ['7.de', '*', 'a b\r\n', '{productId}', '../x', 'veza:live:x', 'é😀', "%2E'()!~", '007'])
      await (await kit.open(ADDED, { id })).return();
    assert.deepEqual(topics, [
      'review.added.7%2Ede',
      'review.added.%2A',
      'review.added.a%20b%0D%0A',
      'review.added.%7BproductId%7D',
      'review.added.%2E%2E%2Fx',
      'review.added.veza%3Alive%3Ax',
      'review.added.%C3%A9%F0%9F%98%80',
      'review.added.%252E%27%28%29%21%7E',
      'review.added.007',
    ]);
    for (const id of ['', 'x'.repeat(513), '\ud800'])
      assert.equal(await kit.codeOf(ADDED, { id }), 'BAD_USER_INPUT', JSON.stringify(id));
    assert.equal(topics.length, 9);
  });

  it('reads its topic from whatever the client writes: literals, enums, defaults, numbers', async () => {
    const kit = announcing({ topics: { ...TOPICS, activity: 'activity.{kind}.{page}.{live}' } });
    const topics: string[] = [];
    const subscribe = kit.bus.subscribe.bind(kit.bus);
    kit.bus.subscribe = (topic) => {
      topics.push(topic);
      return subscribe(topic);
    };
    const queries = [
      'subscription { activity(kind: OLD, page: 3, live: true) { __typename } }',
      'subscription ($k: Kind! = OLD, $p: Int = 4) { activity(kind: $k, page: $p, live: false) { __typename } }',
      'subscription { reviewAdded(productId: 90071992547409931234) { id } }',
      'subscription ($k: Kind!) { activity(page: 5, live: true, kind: $k) { __typename } }',
      'subscription { activity(page: 6, live: true) { __typename } }',
    ];
    for (const query of queries) await (await kit.open(query, { k: 'OLD' })).return();
    assert.deepEqual(topics, [
      'activity.OLD.3.true',
      'activity.OLD.4.false',
      'review.added.90071992547409931234',
      'activity.OLD.5.true',
      'activity.NEW.6.true',
    ]);
    for (const query of [
      'subscription { activity(page: 1) { __typename } }',
      'subscription { activity(kind: NEW, page: null, live: true) { __typename } }',
    ])
      assert.equal(await kit.codeOf(query), 'BAD_USER_INPUT', query);
  });

  it(
    'comes from Redis, by the channel’s own name, and is back with it',
    { skip: skipWithout('redisUrl') },
    async () => {
      const { hostname, port } = new URL(services.redisUrl!);
      const proxy = await startTcpProxy(hostname, Number(port || 6379));
      const bus = await redisLiveBus({ url: `redis://127.0.0.1:${proxy.port}`, log: silentLog, prefix: '' });
      const product = randomUUID();
      const kit = announcing({}, bus);
      const stream = await kit.open(ADDED, { id: product });
      const publisher = new Redis(services.redisUrl!);
      const publish = (message: string) => publisher.publish(`review.added.${product}`, message);
      await publish('{"__typename":"Review"');
      await publish(JSON.stringify(review('1')));
      assert.deepEqual(await next(stream), added('good', 'a'));
      assert.equal(kit.counts.malformed, 1);
      proxy.block();
      while ((await publish(JSON.stringify(review('2')))) > 0) await new Promise(setImmediate);
      proxy.open();
      while ((await publish(JSON.stringify(review('1')))) === 0) await new Promise(setImmediate);
      // What was published while nobody listened is lost, as Redis has it.
      assert.match(JSON.stringify(await next(stream)), /good|bad/);
      await stream.return();
      await kit.engine.close();
      await bus.close();
      publisher.disconnect();
      await proxy.close();
    },
  );
});
