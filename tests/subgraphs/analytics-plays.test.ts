import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { newId } from '#platform/ids.ts';
import { play, recordPlays, startAnalytics, trackTold, type TestAnalytics } from './analytics-kit.ts';

const HOUR_MS = 3_600_000;

const TRACK = `query ($id: ID!) {
  _entities(representations: [{ __typename: "Track", id: $id }]) { ... on Track { playCount plays24h } }
}`;
const TOP = `query ($period: ChartPeriod!, $genre: String, $first: Int! = 100) {
  topTracks(period: $period, genre: $genre, first: $first) { rank plays track { id } }
}`;

describe('plays', () => {
  let analytics: TestAnalytics;
  const artist = newId('User');
  const listener = newId('User');
  // Late in a month and in the middle of a day, so that the periods of charts differ.
  const now = new Date('2026-03-25T12:10:00.000Z');
  const ago = (ms: number) => new Date(now.getTime() - ms).toISOString();

  before(async () => void (analytics = await startAnalytics({ now: () => now })));
  after(() => analytics.close());

  const publish = async (changes: Parameters<typeof trackTold>[2] = {}) => {
    const id = newId('Track');
    await analytics.tell('track.published', `track:${id}`, trackTold(id, artist, changes));
    await analytics.settled();
    return id;
  };
  const played = (trackId: string, changes: Parameters<typeof play>[1] = {}) =>
    play(trackId, { playedAt: ago(1_000), ...changes });
  const statsOf = async (id: string, caller: Parameters<typeof analytics.data>[0] = null) =>
    (await analytics.data(caller, TRACK, { id }))._entities[0];

  it('are counted once, however often and from wherever they are sent', async () => {
    const track = await publish();
    const events = [played(track), played(track)];
    assert.deepEqual(await recordPlays(analytics, listener, [...events, events[0]!]), {
      accepted: 2,
      duplicates: 1,
      rejected: 0,
      userErrors: [],
    });
    const again = await recordPlays(analytics, listener, events);
    assert.deepEqual([again.accepted, again.duplicates], [0, 2]);
    assert.deepEqual(await statsOf(track), { playCount: 2, plays24h: 2 });
  });

  it('are counted once when the same batch arrives many times at once, and none is lost among batches', async () => {
    const track = await publish();
    const [a, b] = [
      Array.from({ length: 20 }, () => played(track)),
      Array.from({ length: 20 }, () => played(track)),
    ];
    const sent = [a, a.toReversed(), b, a, b.toReversed(), b];
    const outcomes = await Promise.all(sent.map((events) => recordPlays(analytics, listener, events)));
    const accepted = outcomes.reduce((sum, outcome) => sum + outcome.accepted, 0);
    assert.equal(accepted, 40);
    assert.deepEqual(await statsOf(track), { playCount: 40, plays24h: 40 });
  });

  it('of different callers may carry the same id', async () => {
    const track = await publish();
    const event = played(track, { clientEventId: 'one' });
    for (const caller of [listener, artist])
      assert.equal((await recordPlays(analytics, caller, [event])).accepted, 1);
    for (const client of ['anonymous-1', 'anonymous-2'])
      assert.equal((await recordPlays(analytics, null, [event], client)).accepted, 1);
    assert.equal((await recordPlays(analytics, null, [event], 'anonymous-1')).duplicates, 1);
    assert.equal((await statsOf(track)).playCount, 4);
  });

  it('that break a rule are named and do not keep the others from being counted', async () => {
    const track = await publish();
    const events = [
      played(track),
      played(track, { msPlayed: 2_999 }),
      played('trk_nonsense'),
      played(track, { playedAt: ago(-HOUR_MS) }),
      played(track, { playedAt: ago(8 * 24 * HOUR_MS) }),
      played(track, { clientEventId: '' }),
    ];
    const { userErrors, ...numbers } = await recordPlays(analytics, listener, events);
    assert.deepEqual(numbers, { accepted: 1, duplicates: 0, rejected: 5 });
    assert.deepEqual(
      userErrors.map(({ field, rule }: { field: string[]; rule: string }) => [...field, rule]),
      [
        ['events', '1', 'msPlayed', 'TOO_SHORT'],
        ['events', '2', 'trackId', 'MALFORMED_ID'],
        ['events', '3', 'playedAt', 'IN_FUTURE'],
        ['events', '4', 'playedAt', 'TOO_OLD'],
        ['events', '5', 'clientEventId', 'REQUIRED'],
      ],
    );
    assert.equal((await statsOf(track)).playCount, 1);
  });

  it('are refused as a whole without a caller, and in batches of none or more than a hundred', async () => {
    const track = await publish();
    const hundred = Array.from({ length: 100 }, () => played(track));
    const outcomes = [
      await recordPlays(analytics, null, [played(track)]),
      await recordPlays(analytics, null, [played(track)], 'short'),
      await recordPlays(analytics, listener, []),
      await recordPlays(analytics, listener, [...hundred, played(track)]),
    ];
    assert.deepEqual(
      outcomes.map(({ accepted, rejected, userErrors }) => [accepted, rejected, userErrors[0].field[0]]),
      [
        [0, 1, 'anonymousId'],
        [0, 1, 'anonymousId'],
        [0, 0, 'events'],
        [0, 101, 'events'],
      ],
    );
    assert.equal((await recordPlays(analytics, listener, hundred)).accepted, 100);
  });

  it('of a track that is not known yet belong to its artist once it is', async () => {
    const track = newId('Track');
    const someone = newId('User');
    await recordPlays(analytics, listener, [played(track), played(track)]);
    const userPlays = async () =>
      (
        await analytics.data(
          null,
          'query ($id: ID!) { _entities(representations: [{ __typename: "User", id: $id }]) { ... on User { playCount } } }',
          { id: someone },
        )
      )._entities[0].playCount;
    assert.deepEqual([(await statsOf(track)).playCount, await userPlays()], [2, 0]);
    await analytics.tell('track.published', `track:${track}`, trackTold(track, someone));
    await analytics.settled();
    assert.deepEqual([(await statsOf(track)).playCount, await userPlays()], [2, 2]);
  });

  it('of a PRIVATE track are told to its artist and administrators only, of a deleted one to nobody', async () => {
    const track = await publish({ visibility: 'PRIVATE' });
    await recordPlays(analytics, artist, [played(track)]);
    const nothing = { playCount: null, plays24h: null };
    const admin = { userId: newId('User'), sessionId: 's', roles: ['ADMIN'] };
    assert.deepEqual(await statsOf(track, null), nothing);
    assert.deepEqual(await statsOf(track, listener), nothing);
    assert.equal((await statsOf(track, artist)).playCount, 1);
    assert.equal((await statsOf(track, admin)).playCount, 1);
    await analytics.tell('track.deleted', `track:${track}`, { trackId: track, artistId: artist });
    await analytics.settled();
    assert.deepEqual(await statsOf(track, artist), nothing);
  });

  it('count for the last 24 hours to the quarter of an hour', async () => {
    const track = await publish();
    const times = [0, 10 * 60_000, 24 * HOUR_MS, 24 * HOUR_MS + 10 * 60_000, 24 * HOUR_MS + 11 * 60_000];
    await recordPlays(
      analytics,
      listener,
      times.map((ms) => played(track, { playedAt: ago(ms) })),
    );
    assert.deepEqual(await statsOf(track), { playCount: 5, plays24h: 4 });
  });

  it('make charts of each period, with shared ranks, of one genre where one is asked for', async () => {
    const genre = 'chart-test';
    const [today, thisWeek, tied] = [
      await publish({ genre }),
      await publish({ genre }),
      await publish({ genre }),
    ];
    const hidden = await publish({ genre, visibility: 'UNLISTED' });
    const at = (trackId: string, hoursAgo: number[]) =>
      hoursAgo.map((hours) => played(trackId, { playedAt: ago(hours * HOUR_MS) }));
    const events = [
      ...at(today, [1, 1, 2]),
      ...at(thisWeek, [30, 30, 60, 100]),
      ...at(tied, [1, 40, 41, 42]),
    ];
    await recordPlays(analytics, listener, [...events, ...at(hidden, [1, 1, 1, 1, 1, 1])]);
    const top = async (period: string, first = 100) =>
      (await analytics.data(null, TOP, { period, genre, first })).topTracks.map(
        (entry: { rank: number; plays: number; track: { id: string } }) => [
          entry.rank,
          entry.track.id,
          entry.plays,
        ],
      );
    assert.deepEqual(await top('DAY'), [
      [1, today, 3],
      [2, tied, 1],
    ]);
    for (const period of ['WEEK', 'MONTH', 'ALL'])
      assert.deepEqual(await top(period), [
        ...[thisWeek, tied].toSorted().map((id) => [1, id, 4]),
        [3, today, 3],
      ]);
    assert.equal((await top('ALL', 1)).length, 1);
  });

  it('make no chart of a size out of range or a genre that is no name', async () => {
    for (const variables of [{ first: 0 }, { first: 101 }, { genre: 'a\u0000' }, { genre: 'x'.repeat(61) }]) {
      const { errors } = await analytics.run(null, TOP, { period: 'ALL', ...variables });
      assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT', JSON.stringify(variables));
    }
  });
});
