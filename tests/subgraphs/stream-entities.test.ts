import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { DEMO_LIVE_ROOM_ID, DEMO_SCHEDULED_ROOM_ID, DEMO_TRACKS, DEMO_USERS } from '#platform/demo.ts';
import { newId } from '#platform/ids.ts';
import {
  enter,
  must,
  mutate,
  newUser,
  openLiveRoom,
  publish,
  startStream,
  type Stream,
} from './stream-kit.ts';

const ENTITIES = `query ($r: [_Any!]!) { _entities(representations: $r) { __typename
  ... on Track { id title } ... on LiveRoom { id state } ... on TrackComment { id body } ... on User { id liveRoom { id } } ... on Room { id live { id } } } }`;

describe('entities of the stream subgraph', () => {
  let stream: Stream;
  before(async () => void (stream = await startStream()));
  after(() => stream.close());

  // oxlint-disable-next-line typescript/no-explicit-any -- tests assert what they read
  const resolve = async (type: string, ids: string[], viewer: string | null = null): Promise<any[]> => {
    const r = ids.map((id) => ({ __typename: type, id }));
    return (await stream.data(viewer, ENTITIES, { r }))._entities;
  };
  const counted = (type: string, ids: string[], viewer: string | null = null) =>
    stream.open.foundation.database.countQueries(() => resolve(type, ids, viewer));

  it('answers a hundred references of a type with one SQL query, in the order asked for', async () => {
    const artist = newUser();
    const tracks = [(await publish(stream, artist)).id, (await publish(stream, artist)).id];
    const hosts = [newUser(), newUser()];
    const rooms = [await openLiveRoom(stream, hosts[0]!), await openLiveRoom(stream, hosts[1]!)];
    const cases: [string, string[]][] = [
      ['Track', tracks],
      ['LiveRoom', rooms],
      ['User', hosts],
      ['Room', [newId('Room'), newId('Room')]],
    ];
    for (const [type, ids] of cases) {
      const asked = Array.from({ length: 100 }, (_, index) => ids[index % 2]!);
      const { result, queries } = await counted(type, asked);
      assert.equal(queries.length, 1, type);
      assert.deepEqual(
        result.map(({ id }) => id),
        asked,
      );
    }
  });

  it('reads each list of many live rooms with one SQL query', async () => {
    const rooms = [];
    for (let i = 0; i < 3; i++) {
      const host = newUser();
      const id = await openLiveRoom(stream, host);
      await enter(stream, host, id);
      await enter(stream, newUser(), id);
      rooms.push(id);
    }
    const query =
      'query ($r: [_Any!]!) { _entities(representations: $r) { ... on LiveRoom { listenerCount speakers { role } raisedHands { id } viewerParticipant { id } } } }';
    const r = rooms.map((id) => ({ __typename: 'LiveRoom', id }));
    const { result, queries } = await stream.open.foundation.database.countQueries(() =>
      stream.data(newUser(), query, { r }),
    );
    assert.equal(queries.length, 5);
    const expected = {
      listenerCount: 1,
      speakers: [{ role: 'HOST' }],
      raisedHands: [],
      viewerParticipant: null,
    };
    assert.deepEqual(result._entities, [expected, expected, expected]);
  });

  it('adds one query for what the viewer likes', async () => {
    const [artist, fan] = [newUser(), newUser()];
    const ids = [(await publish(stream, artist)).id, (await publish(stream, artist)).id];
    await must(stream, fan, 'likeTrack', { id: ids[1] });
    const query = 'query ($ids: [ID!]!) { tracks(ids: $ids) { viewerLiked } }';
    const { result, queries } = await stream.open.foundation.database.countQueries(() =>
      stream.data(fan, query, { ids }),
    );
    assert.equal(queries.length, 2);
    assert.deepEqual(result.tracks, [{ viewerLiked: false }, { viewerLiked: true }]);
  });

  it('is null for what is unknown, malformed or hidden, and asks the database for no malformed id', async () => {
    const artist = newUser();
    const hidden = await publish(stream, artist, { visibility: 'PRIVATE' });
    const comment = (await must(stream, artist, 'commentOnTrack', { trackId: hidden.id, body: 'note' }))
      .comment;
    assert.deepEqual(await resolve('Track', [newId('Track'), hidden.id, '}{"', '\u0000']), [
      null,
      null,
      null,
      null,
    ]);
    assert.deepEqual(await resolve('TrackComment', [comment.id, 'x']), [null, null]);
    assert.equal((await resolve('TrackComment', [comment.id], artist))[0].body, 'note');
    assert.deepEqual(await resolve('LiveRoom', ['{,}', 'liv_\\']), [null, null]);
    assert.equal((await resolve('User', ['{"}']))[0].liveRoom, null);
  });

  it('refuses more ids than a page has', async () => {
    const ids = Array.from({ length: 101 }, () => newId('Track'));
    const { errors } = await stream.run(null, 'query ($ids: [ID!]!) { tracks(ids: $ids) { id } }', { ids });
    assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
  });

  it('lists every genre once', async () => {
    const { genres } = await stream.data(null, '{ genres { slug name } }');
    const names = genres.map(({ name }: { name: string }) => name);
    assert.equal(new Set(genres.map(({ slug }: { slug: string }) => slug)).size, genres.length);
    assert.deepEqual(names, names.toSorted());
  });

  it('seeds the demo once: tracks that play, a room to join, a room to come', async () => {
    await stream.open.subgraph.seed();
    await stream.open.subgraph.seed();
    const query = `query ($ids: [ID!]!, $live: ID!, $later: ID!) {
      tracks(ids: $ids) { title durationMs likeCount commentCount } live: liveRoom(id: $live) { state } later: liveRoom(id: $later) { state } }`;
    const ids = DEMO_TRACKS.map(({ id }) => id);
    const variables = { ids, live: DEMO_LIVE_ROOM_ID, later: DEMO_SCHEDULED_ROOM_ID };
    const { tracks, live, later } = await stream.data(null, query, variables);
    assert.deepEqual(
      tracks.map(({ title }: { title: string }) => title),
      DEMO_TRACKS.map(({ title }) => title),
    );
    for (const { durationMs, likeCount } of tracks) assert.ok(durationMs >= 4_000 && likeCount === 2);
    assert.equal(tracks[0].commentCount, 3);
    assert.deepEqual([live.state, later.state], ['LIVE', 'SCHEDULED']);
    const joined = await mutate(stream, DEMO_USERS[2].id, 'joinLiveRoom', { id: DEMO_LIVE_ROOM_ID });
    assert.equal(joined.__typename, 'LiveJoin');
  });
});
