// oxlint-disable typescript/no-explicit-any -- tests assert what they read
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Subgraph } from '#platform/subgraph-process.ts';
import { userSubgraph, type UserSubgraph } from '../../subgraphs/user/subgraph.ts';
import type { Caller, TestSubgraph } from '../support/subgraphs.ts';
import { startTestSubgraph } from '../support/subgraphs.ts';
import { registerUser, type RegisteredUser } from '../support/users.ts';
import { newUser, openChannel, say, startChat, type Chat } from './chat-kit.ts';
import { startShop, type Shop } from './commerce-shop.ts';
import { must, publish, startStream, type Stream } from './stream-kit.ts';

const PAGE = 'pageInfo { hasNextPage endCursor }';

/** Reads `fields` of many entities at once: what they are, and how many SQL statements it took. */
async function readAll(
  subgraph: TestSubgraph<Subgraph>,
  caller: Caller,
  type: string,
  ids: readonly string[],
  fields: string,
): Promise<{ entities: any[]; queries: number }> {
  const query = `query ($r: [_Any!]!) { _entities(representations: $r) { ... on ${type} { ${fields} } } }`;
  const r = ids.map((id) => ({ __typename: type, id }));
  const run = () => subgraph.data(caller, query, { r });
  const { result, queries } = await subgraph.open.foundation.database.countQueries(run);
  return { entities: result._entities, queries: queries.length };
}

const idsOf = (list: { nodes: { id: string }[] }) => list.nodes.map(({ id }) => id);

describe('lists of tracks, asked of many parents at once', () => {
  let stream: Stream;
  const [a, b, c] = [newUser(), newUser(), newUser()];
  const tracks: string[] = [];
  before(async () => {
    stream = await startStream();
    for (const [artist, visibility] of [
      [a, 'PUBLIC'],
      [a, 'PRIVATE'],
      [a, 'PUBLIC'],
      [b, 'PUBLIC'],
    ] as const)
      tracks.push((await publish(stream, artist, { visibility })).id);
    for (const id of [tracks[0], tracks[2], tracks[3]]) await must(stream, c, 'likeTrack', { id });
    for (const [trackId, atMs] of [
      [tracks[0], 100],
      [tracks[0], 900],
      [tracks[0], 500],
      [tracks[3], null],
    ] as const)
      await must(stream, c, 'commentOnTrack', { trackId, body: `at ${atMs}`, atMs });
  });
  after(() => stream.close());

  it('gives each artist their own page with one SQL query, as the viewer may see it', async () => {
    const fields = `tracks(first: 1) { nodes { id } ${PAGE} }`;
    const { entities, queries } = await readAll(stream, null, 'User', [b, a, c], fields);
    assert.equal(queries, 1);
    assert.deepEqual(
      entities.map((user) => [idsOf(user.tracks), user.tracks.pageInfo.hasNextPage]),
      [
        [[tracks[3]], false],
        [[tracks[2]], true],
        [[], false],
      ],
    );
    const own = await readAll(stream, a, 'User', [a, b], 'tracks(first: 5) { nodes { id } }');
    assert.equal(own.queries, 1);
    assert.deepEqual(
      own.entities.map((user) => idsOf(user.tracks)),
      [[tracks[2], tracks[1], tracks[0]], [tracks[3]]],
    );
  });

  it('goes on behind a cursor, and reads lists with other arguments apart', async () => {
    const first = await readAll(stream, null, 'User', [a], `tracks(first: 1) { ${PAGE} }`);
    const { endCursor } = first.entities[0].tracks.pageInfo;
    const fields = `rest: tracks(first: 5, after: "${endCursor}") { nodes { id } } all: tracks { nodes { id } }`;
    const { entities, queries } = await readAll(stream, null, 'User', [a, b], fields);
    assert.equal(queries, 2);
    assert.deepEqual(idsOf(entities[0].rest), [tracks[0]]);
    assert.deepEqual(idsOf(entities[0].all), [tracks[2], tracks[0]]);
  });

  it('gives what each user likes with two SQL queries: one for the lists, one for the tracks', async () => {
    const fields = 'likedTracks(first: 2) { nodes { id } }';
    const { entities, queries } = await readAll(stream, null, 'User', [a, c], fields);
    assert.equal(queries, 2);
    assert.deepEqual(
      entities.map((user) => idsOf(user.likedTracks)),
      [[], [tracks[3], tracks[2]]],
    );
  });

  it('gives the comments of each track with one SQL query in either order', async () => {
    const read = async (order: string) => {
      const fields = `comments(order: ${order}) { nodes { body } }`;
      const { entities, queries } = await readAll(stream, null, 'Track', [tracks[3]!, tracks[0]!], fields);
      assert.equal(queries, 2, 'the tracks, and their comments');
      return entities.map((track) => track.comments.nodes.map(({ body }: { body: string }) => body));
    };
    assert.deepEqual(await read('TIMESTAMP'), [['at null'], ['at 100', 'at 500', 'at 900']]);
    assert.deepEqual(await read('NEWEST'), [['at null'], ['at 500', 'at 900', 'at 100']]);
  });
});

describe('lists of products, asked of many parents at once', () => {
  let shop: Shop;
  before(async () => void (shop = await startShop()));
  after(() => shop.close());

  it('gives what each seller offers with one SQL query, as the viewer may see it', async () => {
    const [first, second] = [newUser(), newUser()];
    const sold: string[] = [];
    for (const seller of [first, first, second]) sold.push((await shop.sell({ seller })).productId);
    await shop.data(first, 'mutation ($id: ID!) { archiveProduct(id: $id) { product { id } } }', {
      id: sold[0],
    });
    const fields = `products(first: 5) { nodes { id } ${PAGE} }`;
    const offered = async (caller: Caller) => {
      const { entities, queries } = await readAll(shop, caller, 'User', [second, first], fields);
      assert.equal(queries, 1);
      return entities.map((user) => idsOf(user.products));
    };
    assert.deepEqual(await offered(null), [[sold[2]], [sold[1]]]);
    assert.deepEqual(await offered(first), [[sold[2]], [sold[1], sold[0]]]);
  });
});

describe('followers, asked of many users at once', () => {
  let user: TestSubgraph<UserSubgraph>;
  before(async () => void (user = await startTestSubgraph(userSubgraph())));
  after(() => user.close());

  const follow = (who: RegisteredUser, whom: RegisteredUser) =>
    user.data(who.viewer, 'mutation ($id: ID!) { followUser(userId: $id) { user { id } } }', { id: whom.id });

  it('are listed for each with one SQL query for the lists, and one for the people in them', async () => {
    const people = [];
    for (const name of ['ann', 'ben', 'cleo']) people.push(await registerUser(user, `nested_${name}`));
    const [ann, ben, cleo] = people as [RegisteredUser, RegisteredUser, RegisteredUser];
    for (const [who, whom] of [
      [ann, cleo],
      [ben, cleo],
      [cleo, ann],
    ] as const)
      await follow(who, whom);
    const ids = people.map(({ id }) => id);
    const fields = `followers(first: 1) { nodes { id } pageInfo { hasNextPage } } followersBack: followers(last: 1) { nodes { id } }`;
    const { entities, queries } = await readAll(user, null, 'User', ids, fields);
    assert.equal(queries, 3, 'the users, and their lists from either end; whom they list are known by then');
    assert.deepEqual(
      entities.map((one) => [idsOf(one.followers), idsOf(one.followersBack)]),
      [
        [[cleo.id], [cleo.id]],
        [[], []],
        [[ben.id], [ann.id]],
      ],
    );
  });
});

describe('members and messages, asked of many rooms at once', () => {
  let chat: Chat;
  before(async () => void (chat = await startChat()));
  after(() => chat.close());

  it('are listed for each room with one SQL query for each list', async () => {
    const [a, b] = [newUser(), newUser()];
    const rooms = [await openChannel(chat, [a, b]), await openChannel(chat, [b])];
    await say(chat, a, rooms[0]!, 'one');
    await say(chat, b, rooms[1]!, 'two');
    const fields = 'members(first: 5) { nodes { user { id } } } messages(last: 1) { nodes { content } }';
    const { entities, queries } = await readAll(chat, a, 'Room', rooms, fields);
    assert.equal(queries, 3, 'the rooms, their members, their messages');
    assert.deepEqual(
      entities.map((room) => [
        room.members.nodes.map((member: any) => member.user.id).sort(),
        room.messages.nodes.map(({ content }: { content: string }) => content),
      ]),
      [
        [[a, b].sort(), ['one']],
        [[b], ['two']],
      ],
    );
  });
});
