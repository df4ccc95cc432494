import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import { inTime, RetryLater, retryDelayMs } from '../../clients/live/browser/retry.client.ts';

const LOST = new Error('lost');

describe('How long the live client waits for its next try', () => {
  it('adds at most half a second to a short outage and an eighth to a longer one, up to four seconds', () => {
    const longest = (lostForMs: number) => retryDelayMs(lostForMs, LOST, () => 1);
    assert.deepEqual([0, 4_000, 12_000, 32_000, 600_000].map(longest), [500, 500, 1_500, 4_000, 4_000]);
  });

  it('is spread over three quarters of that, so that a thousand do not come in one instant', () => {
    const shares = Array.from({ length: 11 }, (_, n) => retryDelayMs(0, LOST, () => n / 10));
    assert.deepEqual([Math.min(...shares), Math.max(...shares)], [125, 500]);
    assert.equal(new Set(shares).size, 11);
  });

  it('is what the platform says, and a little more that nobody shares', () => {
    const told = new RetryLater('The media server is away.', 3_000);
    assert.deepEqual([retryDelayMs(0, told, () => 0), retryDelayMs(60_000, told, () => 1)], [3_000, 3_250]);
  });
});

describe('How long the live client waits for a grant', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  /** Milliseconds after which a request without an answer is given up. */
  const givenUpAfter = async (lostForMs: number): Promise<number> => {
    let isOver = false;
    inTime(new Promise(() => undefined), lostForMs).catch(() => (isOver = true));
    for (let waitedMs = 500; ; waitedMs += 500) {
      mock.timers.tick(500);
      await new Promise(setImmediate);
      if (isOver) return waitedMs;
    }
  };

  it('is two seconds, and as long as it has waited already, up to half a minute', async () => {
    assert.equal(await givenUpAfter(0), 2_000);
    assert.equal(await givenUpAfter(12_000), 12_000);
    assert.equal(await givenUpAfter(600_000), 30_000);
  });

  it('ends with the answer', async () => {
    assert.equal(await inTime(Promise.resolve('grant'), 0), 'grant');
    await assert.rejects(inTime(Promise.reject(LOST), 0), LOST);
  });
});
