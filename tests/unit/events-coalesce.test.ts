import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { coalesce, CoalescingQueue, type CoalescingOptions } from '#platform/events/coalesce.ts';
import { createLiveQueue } from '#platform/events/live-queue.ts';
import { Poll } from '#platform/polling/poll.ts';
import { seededRandom } from '../support/random.ts';
import { manualClock } from '../support/manual-clock.ts';

interface Mark {
  readonly key: string;
  readonly n: number;
}

const OVER = { done: true, value: undefined };

function open(options: Omit<CoalescingOptions<Mark>, 'keyOf' | 'clock'>) {
  const clock = manualClock();
  let ends = 0;
  const queue = new CoalescingQueue<Mark>({ ...options, keyOf: ({ key }) => key, clock }, () => (ends += 1));
  /** Values as they come, with the moment. */
  const given: [atMs: number, value: Mark][] = [];
  const reading = (async () => {
    for await (const value of queue) given.push([clock.nowMs(), value]);
  })();
  return { clock, queue, given, reading, ends: () => ends };
}

const mark = (key: string, n: number): Mark => ({ key, n });

describe('a coalescing queue', () => {
  it('gives the first value of a key at once, then the newest after the pause, and nothing where nothing changed', async () => {
    const { clock, queue, given } = open({ keyGapMs: 1_000 });
    for (let n = 0; n < 5; n += 1) queue.push(mark('a', n));
    await clock.advance(999);
    assert.deepEqual(given, [[0, mark('a', 0)]]);
    await clock.advance(1);
    assert.deepEqual(given.at(-1), [1_000, mark('a', 4)]);
    await clock.advance(10_000);
    assert.equal(given.length, 2);
    queue.push(mark('a', 5));
    await clock.advance(0);
    assert.deepEqual(given.at(-1), [11_000, mark('a', 5)]);
  });

  it('does not hold one key up for another, and keeps the order in which keys came', async () => {
    const { clock, queue, given } = open({ keyGapMs: 1_000 });
    queue.push(mark('a', 0));
    queue.push(mark('a', 1));
    queue.push(mark('b', 0));
    await clock.advance(0);
    assert.deepEqual(given, [
      [0, mark('a', 0)],
      [0, mark('b', 0)],
    ]);
    queue.push(mark('b', 1));
    queue.push(mark('a', 2));
    await clock.advance(1_000);
    assert.deepEqual(given.slice(2), [
      [1_000, mark('a', 2)],
      [1_000, mark('b', 1)],
    ]);
  });

  it('paces all keys together where it is told to, without starving any', async () => {
    const { clock, queue, given } = open({ keyGapMs: 100, gapMs: 50 });
    for (let atMs = 0; atMs < 1_000; atMs += 10) {
      for (const key of ['a', 'b', 'c', 'd']) queue.push(mark(key, atMs));
      await clock.advance(10);
    }
    const momentsMs = given.map(([atMs]) => atMs);
    for (const [index, atMs] of momentsMs.entries())
      if (index > 0) assert.ok(atMs - momentsMs[index - 1]! >= 50, `${momentsMs.join(' ')}`);
    for (const key of ['a', 'b', 'c', 'd'])
      assert.ok(given.filter(([, value]) => value.key === key).length >= 4, key);
  });

  it('leaves a slow reader nothing but the newest value of each key', async () => {
    const clock = manualClock();
    const queue = new CoalescingQueue<Mark>({ keyOf: ({ key }) => key, keyGapMs: 10, clock });
    for (let n = 0; n < 10_000; n += 1) queue.push(mark(`key ${n % 3}`, n));
    assert.equal(queue.waiting, 3);
    await clock.advance(1_000);
    assert.deepEqual(queue.takeAll(), [mark('key 0', 9_999), mark('key 1', 9_997), mark('key 2', 9_998)]);
    assert.deepEqual(queue.takeAll(), []);
    assert.equal(queue.waiting, 0);
  });

  it('ends at once for return(), also while a reader waits or a value is held back, and leaves no timer', async () => {
    const { clock, queue, given, reading, ends } = open({ keyGapMs: 1_000 });
    queue.push(mark('a', 0));
    queue.push(mark('a', 1));
    await clock.advance(0);
    assert.equal(clock.timers(), 1);
    assert.deepEqual(await queue.return(), OVER);
    await reading;
    assert.equal(given.length, 1);
    assert.equal(clock.timers(), 0);
    queue.push(mark('a', 2));
    await queue.return();
    assert.deepEqual(await queue.next(), OVER);
    assert.equal(ends(), 1);
  });

  it('gives what waits before it ends, and nothing more where it fails', async () => {
    const ending = open({ keyGapMs: 1_000 });
    ending.queue.push(mark('a', 0));
    ending.queue.push(mark('a', 1));
    ending.queue.end();
    ending.queue.push(mark('a', 2));
    await ending.clock.advance(1_000);
    await ending.reading;
    assert.deepEqual(ending.given.at(-1), [1_000, mark('a', 1)]);
    const failing = open({ keyGapMs: 1_000 });
    failing.queue.push(mark('a', 0));
    failing.queue.push(mark('a', 1));
    await failing.clock.advance(0);
    failing.queue.fail(new Error('not for you any more'));
    await assert.rejects(failing.reading, /not for you any more/);
    assert.deepEqual([failing.given.length, failing.clock.timers(), failing.ends()], [1, 0, 1]);
    assert.deepEqual(await failing.queue.next(), OVER);
  });

  it('keeps its promises whatever comes when: bounded rate, newest last, memory of its keys', async (t) => {
    const seed = Number(process.env['TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 31));
    t.diagnostic(`seed ${seed}, repeat with TEST_SEED`);
    const random = seededRandom(seed);
    const upTo = (most: number) => Math.floor(random() * (most + 1));
    for (let round = 0; round < 50; round += 1) {
      const keyGapMs = upTo(300);
      const gapMs = upTo(100);
      const { clock, queue, given } = open({ keyGapMs, gapMs });
      const newest = new Map<string, number>();
      for (let n = 0; n < 200; n += 1) {
        const key = `key ${upTo(4)}`;
        newest.set(key, n);
        queue.push(mark(key, n));
        assert.ok(queue.waiting <= 5);
        await clock.advance(upTo(40));
      }
      await clock.advance(10_000);
      const lastOf = new Map<string, { atMs: number; n: number }>();
      let lastMs = -Infinity;
      for (const [atMs, { key, n }] of given) {
        const before = lastOf.get(key);
        assert.ok(atMs - lastMs >= gapMs);
        assert.ok(!before || (atMs - before.atMs >= keyGapMs && n > before.n));
        lastOf.set(key, { atMs, n });
        lastMs = atMs;
      }
      assert.deepEqual([...lastOf].map(([key, { n }]) => [key, n]).toSorted(), [...newest].toSorted());
      await queue.return();
    }
  });
});

describe('coalescing a source', () => {
  it('reads it as fast as it goes, and ends with it behind what waits', async () => {
    const read = Promise.withResolvers<void>();
    async function* numbers() {
      yield* [1, 2, 3];
      read.resolve();
    }
    const stream = coalesce(numbers(), { gapMs: 1_000, clock: manualClock() }, null);
    await read.promise;
    assert.deepEqual(await stream.next(), { done: false, value: 3 });
    assert.deepEqual(await stream.next(), OVER);
  });

  it('fails with it', async () => {
    async function* failing() {
      yield 1;
      throw new Error('no longer');
    }
    const stream = coalesce(failing(), { gapMs: 1_000 }, null);
    await stream.next();
    await assert.rejects(stream.next(), /no longer/);
    assert.deepEqual(await stream.next(), OVER);
  });

  it('ends its source when it ends', async () => {
    const ended = Promise.withResolvers<void>();
    const source = createLiveQueue<number>(() => ended.resolve());
    const stream = coalesce(source, { gapMs: 1_000 }, null);
    const waiting = stream.next();
    await stream.return?.();
    assert.deepEqual(await waiting, OVER);
    await ended.promise;
  });

  it('gives a poll the newest of each key, and no other poll before the gap has passed', async () => {
    const messages = ['a0', 'b0', 'a1', 'a2'].map((payload) => ({ topic: 'marks', payload }));
    const poll = new Poll({ messages });
    const marks = coalesce(
      poll.listen(['marks']),
      { keyOf: (value) => String(value)[0]!, keyGapMs: 1_000 },
      poll,
    );
    const given: unknown[] = [];
    for await (const value of marks) given.push(value);
    assert.deepEqual(given, ['a2', 'b0']);
    assert.deepEqual(poll.outcome(true), { topics: ['marks'], isOver: false, pauseMs: 1_000 });
  });
});
