import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import type { LiveBus } from '#platform/events/ports.ts';

export interface LiveBusAdapter {
  readonly name: string;
  readonly skip: string | false;
  /** Two connections as two processes would have them; the same object twice where the adapter lives in one process. */
  open(): Promise<{ here: LiveBus; there: LiveBus }>;
}

export function testLiveBus({ name, skip, open }: LiveBusAdapter): void {
  const check = (title: string, run: (here: LiveBus, there: LiveBus, topic: string) => Promise<void>) =>
    test(`${name}: ${title}`, { skip, timeout: 20_000 }, async () => {
      const { here, there } = await open();
      try {
        await run(here, there, `room:${randomUUID()}`);
      } finally {
        await here.close();
        await there.close();
      }
    });

  check('a message published after subscribe has resolved is received [E02]', async (here, there, topic) => {
    const subscription = await here.subscribe(topic);
    await there.publish(topic, { text: 'hello', list: [1, null] });
    assert.deepEqual(await subscription.next(), { done: false, value: { text: 'hello', list: [1, null] } });
  });

  check('messages of one publisher arrive in order', async (here, there, topic) => {
    const subscription = await here.subscribe(topic);
    for (let n = 0; n < 200; n++) await there.publish(topic, { n });
    for (let n = 0; n < 200; n++) assert.deepEqual((await subscription.next()).value, { n });
  });

  check(
    'every subscriber receives every message of its topic and none of another',
    async (here, there, topic) => {
      const [first, second, other] = await Promise.all([
        here.subscribe(topic),
        there.subscribe(topic),
        here.subscribe(`${topic}:other`),
      ]);
      await there.publish(topic, 1);
      await there.publish(`${topic}:other`, 2);
      assert.equal((await first.next()).value, 1);
      assert.equal((await second.next()).value, 1);
      assert.equal((await other.next()).value, 2);
    },
  );

  check('one local listener leaves, another on the same topic still receives', async (here, there, topic) => {
    const [leaving, staying] = await Promise.all([here.subscribe(topic), here.subscribe(topic)]);
    await leaving.return();
    await there.publish(topic, 'after');
    assert.equal((await staying.next()).value, 'after');
    assert.equal((await leaving.next()).done, true);
  });

  check('a topic that everybody has left can be subscribed again', async (here, there, topic) => {
    for (let round = 0; round < 5; round++) {
      const subscription = await here.subscribe(topic);
      await there.publish(topic, round);
      assert.equal((await subscription.next()).value, round);
      await subscription.return();
    }
  });

  check('a slow subscriber loses the oldest messages, not the newest', async (here, there, topic) => {
    const slow = await here.subscribe(topic);
    const marker = await here.subscribe(`${topic}:marker`);
    for (let n = 1; n <= 1_500; n++) await there.publish(topic, n);
    await there.publish(`${topic}:marker`, 'all sent');
    await marker.next();
    const received: unknown[] = [];
    while (received.at(-1) !== 1_500) received.push((await slow.next()).value);
    assert.deepEqual(
      received,
      Array.from({ length: 1_000 }, (_, index) => index + 501),
    );
  });

  check('return() ends a next() that waits', async (here, _there, topic) => {
    const subscription = await here.subscribe(topic);
    const waiting = subscription.next();
    await subscription.return();
    assert.equal((await waiting).done, true);
  });

  check('close() ends every subscription and refuses new ones', async (here, _there, topic) => {
    const [first, second] = await Promise.all([here.subscribe(topic), here.subscribe(`${topic}:2`)]);
    const waiting = [first.next(), second.next()];
    await here.close();
    for (const result of await Promise.all(waiting)) assert.equal(result.done, true);
    await assert.rejects(here.subscribe(topic), { code: 'SERVICE_UNAVAILABLE' });
    await assert.rejects(here.publish(topic, 1));
    await assert.rejects(here.ping());
  });
}
