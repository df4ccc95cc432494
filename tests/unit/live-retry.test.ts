import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it, mock } from 'node:test';
import {
  inTime,
  openDeadlineMs,
  RestartPace,
  RetryLater,
  retryDelayMs,
} from '../../clients/live/browser/retry.client.ts';

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
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout', 'setInterval'] }));
  afterEach(() => mock.timers.reset());

  /** Milliseconds after which a request without an answer is given up. */
  const givenUpAfter = async (lostForMs: number): Promise<number> => {
    let isOver = false;
    inTime(() => new Promise(() => undefined), lostForMs).catch(() => (isOver = true));
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
    assert.equal(await inTime(async () => 'grant', 0), 'grant');
    await assert.rejects(
      inTime(() => Promise.reject(LOST), 0),
      LOST,
    );
  });

  it('ends where it is not needed any more', async () => {
    const ended = new AbortController();
    const answer = inTime(() => new Promise(() => undefined), 0, { signal: ended.signal });
    ended.abort(LOST);
    await assert.rejects(answer, LOST);
  });

  /** Requests that were sent by the time of the first answer, which only the last of them gets. */
  const asked = async (lostForMs: number, repeats: boolean, untilMs: number): Promise<number> => {
    const requests: PromiseWithResolvers<string>[] = [];
    const ask = () => {
      const request = Promise.withResolvers<string>();
      requests.push(request);
      return request.promise;
    };
    const answer = inTime(ask, lostForMs, { repeats });
    mock.timers.tick(untilMs);
    requests.at(-1)?.resolve('grant');
    assert.equal(await answer, 'grant');
    mock.timers.tick(60_000);
    return requests.length;
  };

  it('goes with further requests where the network swallows them, the more seldom the longer it lasts', async () => {
    assert.equal(await asked(0, false, 1_900), 1);
    assert.equal(await asked(0, true, 1_900), 2);
    assert.equal(await asked(16_000, true, 8_500), 5);
    assert.equal(await asked(600_000, true, 29_000), 8);
  });
});

describe('How long the live client waits for a socket to open', () => {
  it('is as long as a crowd may take, but a quarter of an outage in which the network swallows everything', () => {
    assert.deepEqual([openDeadlineMs(0, false), openDeadlineMs(4_000, false)], [8_000, 8_000]);
    const silent = [0, 4_000, 16_000, 60_000].map((lostForMs) => openDeadlineMs(lostForMs, true));
    assert.deepEqual(silent, [1_500, 1_500, 4_000, 8_000]);
  });
});

describe('How often the live client restarts ICE on suspicion', () => {
  /** When it is restarted, of looks that all are suspicious, in ms. */
  const restartsOf = (pace: RestartPace, fromMs: number, untilMs: number): number[] => {
    const looks = Array.from({ length: (untilMs - fromMs) / 200 }, (_, n) => fromMs + n * 200);
    return looks.filter((nowMs) => pace.take(nowMs));
  };

  it('is at once, and ever more seldom while it does not help', () => {
    assert.deepEqual(
      restartsOf(new RestartPace(), 0, 100_000),
      [0, 2_000, 6_000, 14_000, 30_000, 60_000, 90_000],
    );
  });

  it('is at once again after it has helped for a while', () => {
    const pace = new RestartPace();
    restartsOf(pace, 0, 10_000);
    assert.deepEqual(restartsOf(pace, 40_000, 44_000), [40_000, 42_000]);
  });
});
