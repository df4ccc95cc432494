import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { createTurns } from '../../media-server/worker-turns.ts';

describe('turns at a worker', () => {
  test('go to so many at once, in the order of asking, and on after a failure', async () => {
    const inTurn = createTurns(2);
    const begun: number[] = [];
    const requests = Array.from({ length: 5 }, (_, number) => {
      const { promise, resolve, reject } = Promise.withResolvers<number>();
      const answered = inTurn(() => {
        begun.push(number);
        return promise;
      });
      return { resolve, reject, answered };
    });
    const [first, second, third, fourth, fifth] = requests;
    assert.ok(first && second && third && fourth && fifth);
    await settled();
    assert.deepEqual(begun, [0, 1]);

    second.reject(new Error('refused'));
    await assert.rejects(second.answered, /refused/);
    await settled();
    assert.deepEqual(begun, [0, 1, 2]);

    first.resolve(10);
    third.resolve(12);
    assert.deepEqual([await first.answered, await third.answered], [10, 12]);
    await settled();
    assert.deepEqual(begun, [0, 1, 2, 3, 4]);

    fourth.resolve(13);
    fifth.resolve(14);
    assert.deepEqual([await fourth.answered, await fifth.answered], [13, 14]);
    assert.equal(await inTurn(async () => 'free again'), 'free again');
  });
});

/** All that can go on without anything from outside has gone on. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));
