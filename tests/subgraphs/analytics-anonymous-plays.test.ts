import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { play, recordPlays, startAnalytics, type PlayInput, type TestAnalytics } from './analytics-kit.ts';

const MINUTE_MS = 60_000;

describe('anonymous plays', () => {
  let analytics: TestAnalytics;
  let nowMs = Date.UTC(2026, 2, 25, 12);
  let clients = 0;
  before(async () => void (analytics = await startAnalytics({ now: () => new Date(nowMs) })));
  after(() => analytics.close());

  const played = (trackId: string, changes: Partial<PlayInput> = {}) =>
    play(trackId, { playedAt: new Date(nowMs - 1_000).toISOString(), ...changes });
  /** Accepted and duplicate ones. */
  const report = async (address: string, events: readonly PlayInput[], anonymousId?: string) => {
    clients += 1;
    const outcome = await recordPlays(analytics, null, events, anonymousId ?? `invented-${clients}`, address);
    return [outcome.accepted, outcome.duplicates];
  };
  const countOf = async (trackId: string) => {
    const [row] = await analytics.rows<{ plays: number }>(
      'select count(*)::int as plays from play where track_id = ?',
      [trackId],
    );
    return row?.plays;
  };

  it('of a track count once in 30 minutes from one address, whatever id they are reported under', async () => {
    const track = newId('Track');
    assert.deepEqual(await report('192.0.2.1', [played(track), played(track)]), [1, 1]);
    for (let client = 0; client < 5; client += 1)
      assert.deepEqual(await report('::ffff:192.0.2.1', [played(track)]), [0, 1]);
    assert.deepEqual(await report('192.0.2.2', [played(track)]), [1, 0]);
    assert.deepEqual(await report('192.0.2.1', [played(newId('Track')), played(track)]), [1, 1]);
    nowMs += 30 * MINUTE_MS - 1;
    assert.deepEqual(await report('192.0.2.1', [played(track)]), [0, 1]);
    nowMs += 1;
    assert.deepEqual(await report('192.0.2.1', [played(track)]), [1, 0]);
    assert.equal(await countOf(track), 3);
  });

  it('do not come from more places because they say that they are older', async () => {
    const track = newId('Track');
    const days = Array.from({ length: 7 }, (_, day) => new Date(nowMs - day * 20 * 60 * MINUTE_MS));
    const events = days.map((playedAt) => played(track, { playedAt: playedAt.toISOString() }));
    assert.deepEqual(await report('192.0.2.1', events), [1, 6]);
  });

  it('count once for a whole IPv6 network of a client', async () => {
    const track = newId('Track');
    assert.deepEqual(await report('2001:db8:1:2::1', [played(track)]), [1, 0]);
    assert.deepEqual(await report('2001:db8:1:2:ffff::9', [played(track)]), [0, 1]);
    assert.deepEqual(await report('2001:db8:1:3::1', [played(track)]), [1, 0]);
  });

  it('count once when many are reported at the same moment', async () => {
    const [a, b] = [newId('Track'), newId('Track')];
    const batches = Array.from({ length: 10 }, (_, index) =>
      report('192.0.2.9', index % 2 === 0 ? [played(a), played(b)] : [played(b), played(a)]),
    );
    await Promise.all(batches);
    assert.deepEqual([await countOf(a), await countOf(b)], [1, 1]);
  });

  it('that are sent again do not use up the turn of new ones', async () => {
    const track = newId('Track');
    const event = played(track);
    assert.deepEqual(await report('192.0.2.3', [event], 'the-same-client'), [1, 0]);
    nowMs += 31 * MINUTE_MS;
    assert.deepEqual(await report('192.0.2.3', [event], 'the-same-client'), [0, 1]);
    assert.deepEqual(await report('192.0.2.3', [event, played(track)], 'the-same-client'), [1, 1]);
  });

  it('leave no address behind, and after 30 minutes nothing but the plays', async () => {
    await report('192.0.2.4', [played(newId('Track'))]);
    const kept = () => analytics.rows('select * from anonymous_play');
    assert.doesNotMatch(JSON.stringify(await kept()), /192\.0/);
    nowMs += 31 * MINUTE_MS;
    await analytics.open.purge.purgeDue();
    assert.deepEqual(await kept(), []);
  });

  it('are no limit to those of people who are signed in', async () => {
    const track = newId('Track');
    const events = [played(track), played(track)];
    assert.equal((await recordPlays(analytics, newId('User'), events, undefined, '192.0.2.1')).accepted, 2);
  });
});
