import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { NotSentError } from '../../../gateway/traffic/refusal.ts';
import { withAttempts } from './attempts.ts';
import { fetchOf, heldAnswers, startScriptedSubgraph } from './scripted-subgraph.ts';

const subgraph = await startScriptedSubgraph();
const HOUR_MS = 3_600_000;

describe('the concurrency limit of a subgraph', () => {
  const lengths: number[] = [];
  const clientOf = (limits: { maxConcurrent: number; maxQueued: number; maxWaitMs?: number }) =>
    withAttempts(subgraph.client, {
      concurrency: { maxWaitMs: HOUR_MS, onQueue: (length) => lengths.push(length), ...limits },
    });
  /** One fetch that holds the only place, and the means to end it. */
  const occupied = async (maxQueued: number, maxWaitMs = HOUR_MS) => {
    lengths.length = 0;
    subgraph.requests.length = 0;
    const held = heldAnswers();
    subgraph.answerWith(held.script);
    const client = clientOf({ maxConcurrent: 1, maxQueued, maxWaitMs });
    const arrived = subgraph.nextRequest();
    const first = client.fetch(fetchOf());
    await arrived;
    return { client, first, release: held.release };
  };

  test('sends no more at the same time, and lets those who wait go in their order', async () => {
    const { client, first, release } = await occupied(2);
    const order: string[] = [];
    const second = client.fetch(fetchOf({ headers: { turn: 'second' } })).then(() => order.push('second'));
    const third = client.fetch(fetchOf({ headers: { turn: 'third' } })).then(() => order.push('third'));
    for (const [turn, fetched] of [
      ['second', first],
      ['third', second],
    ] as const) {
      const arrived = subgraph.nextRequest();
      release();
      await fetched;
      assert.equal((await arrived).headers['turn'], turn);
    }
    release();
    await third;
    assert.deepEqual(
      [order, lengths],
      [
        ['second', 'third'],
        [1, 2, 1, 0],
      ],
    );
  });

  test('refuses at once what finds the queue full', async () => {
    const { client, first, release } = await occupied(0);
    await assert.rejects(client.fetch(fetchOf()), NotSentError);
    release();
    await first;
    assert.equal(subgraph.requests.length, 1);
  });

  test('refuses what waited too long, and keeps no place for it', async () => {
    const { client, first, release } = await occupied(1, 1);
    await assert.rejects(client.fetch(fetchOf()), NotSentError);
    assert.deepEqual(lengths, [1, 0]);
    release();
    await first;
    subgraph.answerWith((_request, response) => response.end('{"data":{"a":2}}'));
    assert.deepEqual(await client.fetch(fetchOf()), { data: { a: 2 } });
  });

  test('a caller who leaves while waiting frees the queue', async () => {
    const { client, first, release } = await occupied(1);
    const gone = new AbortController();
    const waiting = client.fetch(fetchOf({ signal: gone.signal }));
    gone.abort(new Error('gone'));
    await assert.rejects(waiting, /gone/);
    assert.deepEqual(lengths, [1, 0]);
    release();
    await first;
  });

  test('a fetch that fails gives its place back', async () => {
    const client = clientOf({ maxConcurrent: 1, maxQueued: 0 });
    subgraph.answerWith((request) => request.socket.destroy());
    for (let i = 0; i < 3; i++)
      await assert.rejects(client.fetch(fetchOf()), { code: 'SUBGRAPH_UNAVAILABLE', name: 'CodedError' });
  });
});
