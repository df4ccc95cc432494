import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { isId } from '#platform/ids.ts';
import {
  logOf,
  must,
  mutate,
  newUser,
  publish,
  refusals,
  startStream,
  tell,
  type Stream,
} from './stream-kit.ts';
import { until } from './result-streams.ts';

const COMMENTS = `query ($id: ID!, $order: CommentOrder, $first: Int, $after: String) { track(id: $id) { commentCount likeCount
  comments(order: $order, first: $first, after: $after) { nodes { id body atMs } pageInfo { hasNextPage endCursor } } } }`;
const LIKED = `query ($users: [_Any!]!, $first: Int, $after: String) { _entities(representations: $users) {
  ... on User { likedTracks(first: $first, after: $after) { nodes { id viewerLiked } pageInfo { hasNextPage endCursor } } } } }`;

describe('likes of the stream subgraph', () => {
  let stream: Stream;
  before(async () => void (stream = await startStream()));
  after(() => stream.close());

  const likedBy = async (viewer: string | null, user: string, args = {}) =>
    (await stream.data(viewer, LIKED, { users: [{ __typename: 'User', id: user }], ...args }))._entities[0]
      .likedTracks;

  it('count everyone once, however often and at once they like', async () => {
    const [artist, fan] = [newUser(), newUser()];
    const { id } = await publish(stream, artist);
    const fans = Array.from({ length: 12 }, newUser);
    await Promise.all([...fans, ...fans, fan, fan].map((user) => must(stream, user, 'likeTrack', { id })));
    const { track } = await must(stream, fan, 'likeTrack', { id });
    assert.deepEqual([track.likeCount, track.viewerLiked], [13, true]);
    await Promise.all([fan, fan, fan].map((user) => must(stream, user, 'unlikeTrack', { id })));
    const after = (await must(stream, fan, 'unlikeTrack', { id })).track;
    assert.deepEqual([after.likeCount, after.viewerLiked], [12, false]);
    const log = await logOf(stream, `track:${id}`);
    assert.equal(log.filter((name) => name === 'track.liked').length, 13);
    assert.equal(log.filter((name) => name === 'track.unliked').length, 1);
  });

  it('are answered as they are after each of several changes in one request', async () => {
    const { id } = await publish(stream, newUser());
    const query = `mutation ($id: ID!) {
      a: likeTrack(id: $id) { track { viewerLiked likeCount } } b: unlikeTrack(id: $id) { track { viewerLiked likeCount } } }`;
    assert.deepEqual(await stream.data(newUser(), query, { id }), {
      a: { track: { viewerLiked: true, likeCount: 1 } },
      b: { track: { viewerLiked: false, likeCount: 0 } },
    });
  });

  it('are listed latest first, without what the viewer may not see', async () => {
    const [artist, fan] = [newUser(), newUser()];
    const tracks = [];
    for (const visibility of ['PUBLIC', 'UNLISTED', 'PUBLIC'])
      tracks.push((await publish(stream, artist, { visibility })).id);
    for (const id of tracks) await must(stream, fan, 'likeTrack', { id });
    const first = await likedBy(fan, fan, { first: 2 });
    assert.deepEqual(
      first.nodes.map(({ id }: { id: string }) => id),
      [tracks[2], tracks[1]],
    );
    const second = await likedBy(fan, fan, { first: 2, after: first.pageInfo.endCursor });
    assert.deepEqual(second.nodes, [{ id: tracks[0], viewerLiked: true }]);
    assert.equal((await likedBy(null, fan)).nodes.length, 2);
    await must(stream, artist, 'updateTrack', { id: tracks[2], input: { visibility: 'PRIVATE' } });
    assert.equal((await likedBy(fan, fan)).nodes.length, 2);
    const cursor = Buffer.from('["no date","x"]').toString('base64url');
    const users = [{ __typename: 'User', id: fan }];
    const { errors } = await stream.run(fan, LIKED, { users, after: cursor });
    assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
  });

  it('are refused for tracks that the viewer cannot see', async () => {
    const { id } = await publish(stream, newUser(), { visibility: 'PRIVATE' });
    assert.deepEqual(await refusals(stream, newUser(), 'likeTrack', { id }), ['NotFoundError id']);
    assert.deepEqual(await refusals(stream, newUser(), 'unlikeTrack', { id: 'x' }), ['NotFoundError id']);
  });
});

describe('comments of the stream subgraph', () => {
  let stream: Stream;
  before(async () => void (stream = await startStream()));
  after(() => stream.close());

  const write = async (user: string, trackId: string, body: string, atMs: number | null = null) =>
    (await must(stream, user, 'commentOnTrack', { trackId, body, atMs })).comment;
  const page = async (id: string, args = {}) => (await stream.data(null, COMMENTS, { id, ...args })).track;
  const bodies = (track: { comments: { nodes: { body: string }[] } }) =>
    track.comments.nodes.map(({ body }) => body);

  it('stand at a moment of the track or on the whole, in either order', async () => {
    const { id } = await publish(stream, newUser());
    await write(newUser(), id, 'whole');
    await write(newUser(), id, 'end', 2_000);
    await write(newUser(), id, 'start', 0);
    await write(newUser(), id, 'also end', 2_000);
    const track = await page(id);
    assert.equal(track.commentCount, 4);
    assert.deepEqual(bodies(track), ['start', 'end', 'also end', 'whole']);
    assert.deepEqual(bodies(await page(id, { order: 'NEWEST' })), ['also end', 'start', 'end', 'whole']);
  });

  it('are paged in both orders, and a cursor belongs to its order', async () => {
    const { id } = await publish(stream, newUser());
    const author = newUser();
    for (const atMs of [500, null, 0, 500, 1_000]) await write(author, id, `at ${atMs}`, atMs);
    for (const order of ['TIMESTAMP', 'NEWEST']) {
      const all = bodies(await page(id, { order }));
      const first = await page(id, { order, first: 2 });
      const rest = await page(id, { order, after: first.comments.pageInfo.endCursor });
      assert.deepEqual([...bodies(first), ...bodies(rest)], all);
      const wrong = order === 'NEWEST' ? 'TIMESTAMP' : 'NEWEST';
      const args = { id, order: wrong, after: first.comments.pageInfo.endCursor };
      const { errors } = await stream.run(null, COMMENTS, args);
      assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT');
    }
  });

  it('are refused outside of the track, empty, too long, and on what cannot be seen', async () => {
    const { id } = await publish(stream, newUser());
    const hidden = await publish(stream, newUser(), { visibility: 'PRIVATE' });
    const refused = (variables: object) =>
      refusals(stream, newUser(), 'commentOnTrack', { trackId: id, body: 'x', ...variables });
    assert.deepEqual(await refused({ atMs: 2_001 }), ['ValidationError atMs OUT_OF_RANGE']);
    assert.deepEqual(await refused({ atMs: -1 }), ['ValidationError atMs OUT_OF_RANGE']);
    assert.deepEqual(await refused({ body: '  ' }), ['ValidationError body REQUIRED']);
    assert.deepEqual(await refused({ body: 'x'.repeat(1_001) }), ['ValidationError body TOO_LONG']);
    assert.deepEqual(await refused({ trackId: hidden.id }), ['NotFoundError trackId']);
    assert.equal((await page(id)).commentCount, 0);
  });

  it('can be deleted by their author and by the artist, once', async () => {
    const [artist, author] = [newUser(), newUser()];
    const { id: trackId } = await publish(stream, artist);
    const [a, b] = [await write(author, trackId, 'a'), await write(author, trackId, 'b')];
    assert.ok(isId('TrackComment', a.id));
    assert.deepEqual(await refusals(stream, newUser(), 'deleteComment', { id: a.id }), ['ForbiddenError id']);
    const outcomes = await Promise.all(
      [author, author, artist].map((user) => mutate(stream, user, 'deleteComment', { id: a.id })),
    );
    assert.equal(outcomes.filter(({ commentId }) => commentId === a.id).length, 1);
    assert.equal((await must(stream, artist, 'deleteComment', { id: b.id })).track.commentCount, 0);
    assert.deepEqual(await refusals(stream, author, 'deleteComment', { id: 'tcm_x' }), ['NotFoundError id']);
    const log = await logOf(stream, `track:${trackId}`);
    assert.equal(log.filter((name) => name === 'track.commentDeleted').length, 2);
  });

  it('are closed to whom the artist has blocked, until the block is lifted', async () => {
    const [artist, author] = [newUser(), newUser()];
    const { id: trackId } = await publish(stream, artist);
    const refused = () => refusals(stream, author, 'commentOnTrack', { trackId, body: 'hello' });
    const block = { blockerId: artist, blockedId: author };
    await tell(stream, `user:${artist}`, 'user.blocked', block);
    await until(async () => (await refused()).length > 0);
    assert.deepEqual(await refused(), ['ForbiddenError trackId']);
    await tell(stream, `user:${artist}`, 'user.unblocked', block);
    await until(async () => (await refused()).length === 0);
  });
});
