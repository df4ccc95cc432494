import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { createLog } from '#platform/log.ts';
import { createMediaRefusals } from '../../subgraphs/stream/service/media-refusals.ts';

describe('Those for whom there is no media server', () => {
  const log = createLog('refusals-test', 'silent');

  it('are told moments of their own, half a thousand a second, and never to wait for more than five seconds', () => {
    let nowMs = 1_000_000;
    const refuse = createMediaRefusals({ log, now: () => new Date(nowMs) });
    const told = () => Number(refuse('away').errors[0]['retryAfterMs']);
    const thousand = Array.from({ length: 1_000 }, told);
    assert.deepEqual([thousand[0], thousand[1], thousand[999]], [250, 252, 2_248]);
    assert.deepEqual(Math.max(...Array.from({ length: 5_000 }, told)), 5_000);
    nowMs += 60_000;
    assert.equal(told(), 250);
  });
});
