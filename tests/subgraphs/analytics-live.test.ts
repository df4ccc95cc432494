import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import type { LiveBus } from '#platform/events/ports.ts';
import { newId } from '#platform/ids.ts';
import type { ResultStream } from '#platform/subgraph-endpoint.ts';
import { endOf } from './result-streams.ts';
import { play, recordPlays, startAnalytics, trackTold, type TestAnalytics } from './analytics-kit.ts';

const COUNTER = `subscription ($id: ID!, $metric: LiveMetric!) {
  liveCounter(subjectId: $id, metric: $metric) { subjectId metric value }
}`;

const LOST = 'NOT_FOUND This was deleted, or is no longer for everyone.';

/** A memory bus that also tells how many subscriptions are open. */
function countingLiveBus(): LiveBus & { open: () => number } {
  const bus = memoryLiveBus();
  let open = 0;
  return {
    ...bus,
    open: () => open,
    async subscribe(topic) {
      const subscription = await bus.subscribe(topic);
      open += 1;
      const end = subscription.return.bind(subscription);
      let ended = false;
      subscription.return = () => {
        if (!ended) open -= 1;
        ended = true;
        return end();
      };
      return subscription;
    },
  };
}

describe('a live counter', () => {
  let analytics: TestAnalytics;
  const liveBus = countingLiveBus();
  const artist = newId('User');

  before(async () => void (analytics = await startAnalytics({ liveBus })));
  after(() => analytics.close());

  const watch = (id: string, metric: string) => analytics.subscribe(null, COUNTER, { id, metric });
  const next = async (stream: ResultStream): Promise<number | null> => {
    const { done, value } = await stream.next();
    if (done) return null;
    assert.equal(value.errors, undefined);
    return (value.data!['liveCounter'] as { value: number }).value;
  };
  const publish = async (changes: Parameters<typeof trackTold>[2] = {}) => {
    const id = newId('Track');
    await analytics.tell('track.published', `track:${id}`, trackTold(id, artist, changes));
    await analytics.settled();
    return id;
  };

  it('gives the number at once, then changes, many of them as one and at most one a second', async () => {
    const track = await publish();
    await recordPlays(analytics, artist, [play(track)]);
    const stream = await watch(track, 'PLAYS');
    assert.equal(await next(stream), 1);
    const begin = performance.now();
    for (let index = 0; index < 10; index++) await recordPlays(analytics, artist, [play(track)]);
    const seen: (number | null)[] = [];
    while (seen.at(-1) !== 11) seen.push(await next(stream));
    // Ten plays take some milliseconds, so they fit into one second's number or, on a slow machine, few.
    assert.ok(seen.length <= 1 + (performance.now() - begin) / 1_000, `${seen.length} numbers`);
    await stream.return();
  });

  it('is one query and one bus subscription for all who watch the same, and none once they have left', async () => {
    const track = await publish();
    const idle = liveBus.open();
    const streams = await Promise.all(Array.from({ length: 20 }, () => watch(track, 'PLAYS')));
    assert.equal(liveBus.open(), idle + 1);
    assert.deepEqual(
      await Promise.all(streams.map(next)),
      streams.map(() => 0),
    );
    await recordPlays(analytics, artist, [play(track)]);
    assert.deepEqual(
      await Promise.all(streams.map(next)),
      streams.map(() => 1),
    );
    await Promise.all(streams.map((stream) => stream.return()));
    assert.equal(liveBus.open(), idle);
  });

  it('counts who listens in a live room, as they come, change role and go', async () => {
    const room = newId('LiveRoom');
    const tell = (name: 'liveRoom.participantJoined', participantId: string, role: string) =>
      analytics.tell(name, `live-room:${room}`, { liveRoomId: room, participantId, userId: artist, role });
    const made = { liveRoomId: room, hostId: artist, title: 'Session', topic: null, scheduledFor: null };
    await analytics.tell('liveRoom.created', `live-room:${room}`, made);
    await tell('liveRoom.participantJoined', 'host', 'HOST');
    for (const one of ['a', 'b', 'c']) await tell('liveRoom.participantJoined', one, 'LISTENER');
    await analytics.settled();
    const stream = await watch(room, 'LISTENERS');
    assert.equal(await next(stream), 3);
    const who = { liveRoomId: room, userId: artist };
    await analytics.tell('liveRoom.participantChanged', `live-room:${room}`, {
      ...who,
      participantId: 'a',
      role: 'SPEAKER',
      muted: false,
    });
    await analytics.tell('liveRoom.participantLeft', `live-room:${room}`, {
      ...who,
      participantId: 'b',
      reason: 'CLIENT',
    });
    let listeners = await next(stream);
    while (listeners !== 1) listeners = await next(stream);
    const counted = { liveRoomId: room, listeners: 8, unlisted: 7 };
    await analytics.tell('liveRoom.listenersChanged', `live-room:${room}`, counted);
    assert.equal(await next(stream), 8, 'those who are not told of one by one count as well');
    await analytics.tell('liveRoom.ended', `live-room:${room}`, { liveRoomId: room, hostId: artist });
    assert.equal(await next(stream), 0);
    await stream.return();
  });

  it('counts the messages of the last minute in a room, and ends when the room becomes PRIVATE', async () => {
    const room = newId('Room');
    const made = {
      roomId: room,
      kind: 'CHANNEL',
      name: 'Lobby',
      topic: null,
      visibility: 'PUBLIC',
      ownerId: artist,
    } as const;
    await analytics.tell('room.created', `room:${room}`, made);
    const write = (at: Date) =>
      analytics.tell(
        'message.created',
        `room:${room}`,
        { roomId: room, messageId: newId('Message'), authorId: artist },
        { at: at.toISOString() },
      );
    await write(new Date(Date.now() - 90_000));
    await write(new Date());
    await analytics.settled();
    const stream = await watch(room, 'MESSAGES_PER_MINUTE');
    assert.equal(await next(stream), 1);
    await write(new Date());
    assert.equal(await next(stream), 2);
    const changedMs = performance.now();
    await analytics.tell('room.updated', `room:${room}`, {
      roomId: room,
      name: 'Lobby',
      topic: null,
      visibility: 'PRIVATE',
    });
    assert.equal(await endOf(stream), LOST);
    // Sooner than it looks by itself.
    assert.ok(performance.now() - changedMs < 4_500);
    const refused = await analytics.open.subgraph.endpoint.subscribe(
      { query: COUNTER, variables: { id: room, metric: 'MESSAGES_PER_MINUTE' } },
      { headers: {}, signal: new AbortController().signal },
    );
    assert.ok('errors' in refused && refused.errors?.[0]?.extensions?.['code'] === 'NOT_FOUND');
  });

  it('ends at once for all who watch a track that is hidden or deleted, even if its number has just been told', async () => {
    for (const name of ['track.updated', 'track.deleted'] as const) {
      const track = await publish();
      const streams = await Promise.all(Array.from({ length: 3 }, () => watch(track, 'PLAYS')));
      assert.deepEqual(await Promise.all(streams.map(next)), [0, 0, 0]);
      await recordPlays(analytics, artist, [play(track)]);
      assert.deepEqual(await Promise.all(streams.map(next)), [1, 1, 1]);
      const changedMs = performance.now();
      if (name === 'track.deleted')
        await analytics.tell(name, `track:${track}`, { trackId: track, artistId: artist });
      else await analytics.tell(name, `track:${track}`, trackTold(track, artist, { visibility: 'PRIVATE' }));
      assert.deepEqual(await Promise.all(streams.map(endOf)), [LOST, LOST, LOST]);
      assert.ok(performance.now() - changedMs < 4_500);
      await assert.rejects(watch(track, 'PLAYS'), /NOT_FOUND/);
    }
  });

  it('ends by polls as by a socket', async () => {
    const other = await startAnalytics({ upstream: 'polls' });
    const id = newId('Track');
    await other.tell('track.published', `track:${id}`, trackTold(id, artist));
    await other.settled();
    const stream = await other.subscribe(null, COUNTER, { id, metric: 'PLAYS' });
    assert.equal(await next(stream), 0);
    await recordPlays(other, artist, [play(id)]);
    assert.equal(await next(stream), 1);
    await other.tell('track.deleted', `track:${id}`, { trackId: id, artistId: artist });
    assert.equal(await endOf(stream), LOST);
    await other.close();
  });

  it('finds out by itself, a few seconds later, where the hint was lost', async () => {
    const deaf: LiveBus = { ...memoryLiveBus(), publish: async () => undefined };
    const other = await startAnalytics({ liveBus: deaf });
    const id = newId('Track');
    await other.tell('track.published', `track:${id}`, trackTold(id, artist));
    await other.settled();
    const stream = await other.subscribe(null, COUNTER, { id, metric: 'PLAYS' });
    assert.equal(await next(stream), 0);
    await other.tell('track.deleted', `track:${id}`, { trackId: id, artistId: artist });
    assert.equal(await endOf(stream), LOST);
    await other.close();
  });

  it('refuses what does not exist, is kept from the public, or is no subject of the metric', async () => {
    const hidden = await publish({ visibility: 'PRIVATE' });
    const track = await publish();
    const idle = liveBus.open();
    const tries = [
      { id: hidden, metric: 'PLAYS' },
      { id: newId('Track'), metric: 'PLAYS' },
      { id: track, metric: 'LISTENERS' },
      { id: 'nonsense', metric: 'PLAYS' },
      { id: newId('LiveRoom'), metric: 'LISTENERS' },
      { id: newId('Room'), metric: 'MESSAGES_PER_MINUTE' },
    ];
    for (const variables of tries)
      await assert.rejects(
        analytics.subscribe(null, COUNTER, variables),
        /NOT_FOUND/,
        JSON.stringify(variables),
      );
    assert.equal(liveBus.open(), idle);
  });

  it('ends with the subgraph', async () => {
    const other = await startAnalytics();
    const id = newId('Track');
    await other.tell('track.published', `track:${id}`, trackTold(id, artist));
    await other.settled();
    const stream = await other.subscribe(null, COUNTER, { id, metric: 'PLAYS' });
    assert.equal(await next(stream), 0);
    const end = endOf(stream);
    await other.close();
    assert.equal(await end, 'SERVICE_UNAVAILABLE The service is about to shut down.');
  });
});
