import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { documentOf } from '../../subgraphs/analytics/domain/searchable.ts';
import { dayBefore, firstDay } from '../../subgraphs/analytics/domain/chart.ts';
import { requireRange, widen, type Resolution } from '../../subgraphs/analytics/domain/insights.ts';
import { checkAnonymousId, checkBatchSize, checkPlay } from '../../subgraphs/analytics/domain/play.ts';
import { Refusal } from '#platform/errors.ts';
import { newId } from '#platform/ids.ts';

const NOW = new Date('2026-03-01T12:00:00.000Z');
const MINUTE_MS = 60_000;
const DAY_MS = 24 * 3_600_000;

const rulesOf = (changes: object) => {
  const trackId = newId('Track');
  const report = { clientEventId: 'e-1', trackId, playedAt: NOW, msPlayed: 3_000, ...changes };
  return checkPlay(report, 4, NOW).map(({ field, rule }) => `${field?.join('.')} ${String(rule)}`);
};

describe('a play', () => {
  it('counts from 3 seconds on', () => {
    assert.deepEqual(rulesOf({ msPlayed: 3_000 }), []);
    assert.deepEqual(rulesOf({ msPlayed: 2_999 }), ['events.4.msPlayed TOO_SHORT']);
    assert.deepEqual(rulesOf({ msPlayed: -1 }), ['events.4.msPlayed OUT_OF_RANGE']);
    assert.deepEqual(rulesOf({ msPlayed: DAY_MS + 1 }), ['events.4.msPlayed OUT_OF_RANGE']);
  });

  it('lies in the last 7 days, give or take a wrong clock', () => {
    const at = (ms: number) => ({ playedAt: new Date(NOW.getTime() + ms) });
    assert.deepEqual(rulesOf(at(5 * MINUTE_MS)), []);
    assert.deepEqual(rulesOf(at(5 * MINUTE_MS + 1)), ['events.4.playedAt IN_FUTURE']);
    assert.deepEqual(rulesOf(at(-7 * DAY_MS)), []);
    assert.deepEqual(rulesOf(at(-7 * DAY_MS - 1)), ['events.4.playedAt TOO_OLD']);
  });

  it('names a track, and has an id of its own', () => {
    assert.deepEqual(rulesOf({ trackId: newId('User') }), ['events.4.trackId MALFORMED_ID']);
    assert.deepEqual(rulesOf({ clientEventId: ' ' }), ['events.4.clientEventId REQUIRED']);
    assert.deepEqual(rulesOf({ clientEventId: 'x'.repeat(101) }), ['events.4.clientEventId TOO_LONG']);
    assert.deepEqual(rulesOf({ clientEventId: 'a\u0000b' }), ['events.4.clientEventId INVALID_CHARACTERS']);
  });

  it('comes in calls of 1 to 100, without an account under an id of 8 to 100 characters', () => {
    assert.equal(checkBatchSize(1).length + checkBatchSize(100).length, 0);
    assert.equal(checkBatchSize(0).length + checkBatchSize(101).length, 2);
    assert.equal(checkAnonymousId('x'.repeat(8)).length, 0);
    for (const bad of [null, '', 'x'.repeat(7), 'x'.repeat(101)])
      assert.equal(checkAnonymousId(bad).length, 1);
  });
});

describe('a range of insights', () => {
  const refused = (from: string, to: string, timezone = 'UTC', resolution: Resolution = 'DAY') => {
    try {
      requireRange({ from: new Date(from), to: new Date(to), timezone }, resolution);
      return [];
    } catch (error) {
      assert.ok(error instanceof Refusal);
      return error.errors.map(({ rule }) => rule);
    }
  };

  it('takes IANA names with an area, and nothing that two programs read differently', () => {
    for (const zone of ['UTC', 'Europe/Paris', 'America/Argentina/Ushuaia', 'asia/kolkata'])
      assert.deepEqual(refused('2026-01-01T00:00Z', '2026-01-02T00:00Z', zone), []);
    for (const zone of ['IST', '+05:30', 'Europe/Atlantis', "UTC'; --", '', 'posix/UTC0', 'GMT+1'])
      assert.deepEqual(refused('2026-01-01T00:00Z', '2026-01-02T00:00Z', zone), ['UNKNOWN_TIMEZONE'], zone);
  });

  it('ends after it begins, within a hundred years, and has at most 1,000 steps', () => {
    assert.deepEqual(refused('2026-01-02T00:00Z', '2026-01-02T00:00Z'), ['OUT_OF_RANGE']);
    assert.deepEqual(refused('1999-12-31T00:00Z', '2000-01-02T00:00Z'), ['OUT_OF_RANGE']);
    assert.deepEqual(refused('2099-12-31T00:00Z', '2100-01-02T00:00Z'), ['OUT_OF_RANGE']);
    assert.deepEqual(refused('2026-01-01T00:00Z', '2028-09-25T00:00Z'), []);
    assert.deepEqual(refused('2026-01-01T00:00Z', '2028-09-26T00:00Z'), ['TOO_MANY_POINTS']);
    assert.deepEqual(refused('2000-01-01T00:00Z', '2076-01-01T00:00Z', 'UTC', 'MONTH'), []);
  });

  it('is widened to the steps that hold both of its ends', () => {
    const at = (hour: number) => new Date(Date.UTC(2026, 0, 1, hour));
    const candidates = [0, 1, 2, 3, 4, 5].map(at);
    const from = new Date(at(1).getTime() + 1);
    assert.deepEqual(widen(candidates, from, at(3)), [at(1), at(2), at(3)]);
    assert.deepEqual(widen(candidates, at(1), new Date(at(3).getTime() + 1)), [1, 2, 3, 4].map(at));
  });
});

describe('chart periods', () => {
  it('begin at a quarter of an hour or at a day in UTC', () => {
    const now = new Date('2026-03-01T12:14:59.999Z');
    assert.equal(dayBefore(now).toISOString(), '2026-02-28T12:00:00.000Z');
    assert.equal(firstDay('WEEK', now), '2026-02-23');
    assert.equal(firstDay('MONTH', now), '2026-01-31');
  });
});

describe('a search document', () => {
  it('keeps no word of a room or track that is not PUBLIC', () => {
    for (const visibility of ['PRIVATE', 'UNLISTED'] as const) {
      const room = {
        roomId: 'rom_1',
        kind: 'CHANNEL',
        name: 'Secret',
        topic: 'plans',
        visibility,
        ownerId: 'usr_1',
      } as const;
      const track = {
        trackId: 'trk_1',
        artistId: 'usr_1',
        title: 'Secret',
        description: 'plans',
        genre: 'dub',
        tags: ['plans'],
        visibility,
        durationMs: 1,
      };
      const documents = [
        documentOf({ name: 'room.created', seq: 1, stream: 's', payload: room }),
        documentOf({ name: 'track.published', seq: 1, stream: 's', payload: track }),
      ];
      for (const document of documents) {
        assert.equal(document.listed, false);
        assert.doesNotMatch(JSON.stringify(document), /Secret|plans|dub/);
      }
    }
  });
});
