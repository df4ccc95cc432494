import assert from 'node:assert/strict';
import { test } from 'node:test';
import { gather } from '#platform/events/gather.ts';

const limits = { weightOf: (value: number) => value, maxWeight: 10 };
const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

test('what comes while the reader is busy comes together, in order, up to the limit', async () => {
  let taken = 0;
  async function* source() {
    for (let count = 0; count < 7; count++) {
      taken += 1;
      yield 4;
    }
  }
  const sizes: number[] = [];
  let ahead = 0;
  for await (const batch of gather(source(), limits)) {
    await nextTurn();
    ahead = Math.max(ahead, taken - sizes.reduce((sum, size) => sum + size, 0) - batch.length);
    sizes.push(batch.length);
  }
  assert.equal(
    sizes.reduce((sum, size) => sum + size, 0),
    7,
  );
  assert.ok(
    sizes.slice(1, -1).every((size) => size === 3),
    sizes.join(),
  );
  assert.ok(ahead <= 4, `${ahead} ahead of the reader`);
});

test('an error comes after everything that came before it', async () => {
  async function* source() {
    yield 1;
    yield 2;
    throw new Error('the end');
  }
  const seen: number[] = [];
  await assert.rejects(async () => {
    for await (const batch of gather(source(), limits)) {
      await nextTurn();
      seen.push(...batch);
    }
  }, /the end/);
  assert.deepEqual(seen, [1, 2]);
});

test('a reader that stops early leaves a source behind that ends when it has its next value', async () => {
  const ended = Promise.withResolvers<void>();
  async function* source() {
    try {
      for (;;) yield 11;
    } finally {
      ended.resolve();
    }
  }
  for await (const batch of gather(source(), limits)) {
    assert.deepEqual(batch, [11]);
    break;
  }
  await ended.promise;
});
