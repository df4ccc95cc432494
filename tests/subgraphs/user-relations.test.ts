import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { userSubgraph, type UserSubgraph } from '../../subgraphs/user/subgraph.ts';
import { startTestSubgraph, type TestSubgraph } from '../support/subgraphs.ts';
import { registerUser, type RegisteredUser } from '../support/users.ts';

type Change = 'followUser' | 'unfollowUser' | 'blockUser' | 'unblockUser';

describe('follows and blocks of the user subgraph', () => {
  let user: TestSubgraph<UserSubgraph>;
  before(async () => void (user = await startTestSubgraph(userSubgraph())));
  after(() => user.close());

  const change = async (name: Change, by: RegisteredUser, userId: string) =>
    (
      await user.data(
        by.viewer,
        `mutation ($userId: ID!) {
          ${name}(userId: $userId) {
            user { followerCount viewerFollows viewerHasBlocked }
            userErrors { __typename ... on ValidationError { rule } }
          }
        }`,
        { userId },
      )
    )[name];
  const countsOf = async (id: string) =>
    (await user.data(null, 'query ($id: ID) { user(id: $id) { followerCount followingCount } }', { id }))
      .user;

  it('follows once, however often it is asked for, and unfollows', async () => {
    const [a, b] = [await registerUser(user, 'fan'), await registerUser(user, 'star')];
    for (let i = 0; i < 2; i++) {
      const { user: followed } = await change('followUser', a, b.id);
      assert.deepEqual(followed, { followerCount: 1, viewerFollows: true, viewerHasBlocked: false });
    }
    assert.deepEqual(await countsOf(a.id), { followerCount: 0, followingCount: 1 });
    for (let i = 0; i < 2; i++) assert.equal((await change('unfollowUser', a, b.id)).user.followerCount, 0);
    const events = await user.open.foundation.events.read(`user:${a.id}`);
    assert.deepEqual(
      events.map(({ name }) => name),
      ['user.registered', 'user.followed', 'user.unfollowed'],
    );
  });

  it('keeps counters exact when many follow each other at the same moment', async () => {
    const people = await Promise.all(Array.from({ length: 6 }, (_, i) => registerUser(user, `crowd_${i}`)));
    const pairs = people.flatMap((a) => people.filter((b) => b !== a).map((b) => [a, b] as const));
    await Promise.all(pairs.map(([a, b]) => change('followUser', a, b.id)));
    for (const { id } of people)
      assert.deepEqual(await countsOf(id), { followerCount: 5, followingCount: 5 });
  });

  it('pages followers forwards and backwards without loss or repetition', async () => {
    const star = await registerUser(user, 'paged');
    for (let i = 0; i < 7; i++) await change('followUser', await registerUser(user, `page_${i}`), star.id);
    const page = async (args: string) =>
      (
        await user.data(
          null,
          `query ($id: ID) { user(id: $id) { followers(${args}) { nodes { handle } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`,
          { id: star.id },
        )
      ).user.followers;
    const handles = (connection: { nodes: { handle: string }[] }) =>
      connection.nodes.map(({ handle }) => handle);
    const first = await page('first: 3');
    const second = await page(`first: 3, after: "${first.pageInfo.endCursor}"`);
    const third = await page(`first: 3, after: "${second.pageInfo.endCursor}"`);
    const all = [first, second, third].flatMap(handles);
    assert.deepEqual(
      all,
      [6, 5, 4, 3, 2, 1, 0].map((i) => `page_${i}`),
    );
    assert.deepEqual(
      [first, second, third].map(({ pageInfo }) => pageInfo.hasNextPage),
      [true, true, false],
    );
    assert.deepEqual(handles(await page('last: 3')), all.slice(4));
    assert.deepEqual(
      handles(await page(`last: 3, before: "${third.pageInfo.startCursor}"`)),
      all.slice(3, 6),
    );
  });

  it('refuses pages that make no sense with a code', async () => {
    const { id } = await registerUser(user, 'senseless');
    for (const args of [
      'first: -1',
      'first: 0',
      'first: 101',
      'after: "garbage"',
      'first: 1, last: 1',
      'after: "W10"',
    ]) {
      const { errors } = await user.run(
        null,
        `query ($id: ID) { user(id: $id) { followers(${args}) { nodes { id } } } }`,
        { id },
      );
      assert.equal(errors?.[0]?.extensions?.['code'], 'BAD_USER_INPUT', args);
    }
  });

  it('ends follows both ways with a block, and forbids new ones until it is lifted', async () => {
    const [a, b] = [await registerUser(user, 'blocker'), await registerUser(user, 'blocked')];
    await change('followUser', a, b.id);
    await change('followUser', b, a.id);
    assert.equal((await change('blockUser', a, b.id)).user.viewerHasBlocked, true);
    assert.deepEqual(await countsOf(a.id), { followerCount: 0, followingCount: 0 });
    assert.equal((await change('followUser', b, a.id)).userErrors[0].__typename, 'ForbiddenError');
    const blocked = await user.data(a.viewer, '{ viewer { blockedUsers { nodes { handle } } } }');
    assert.deepEqual(blocked.viewer.blockedUsers.nodes, [{ handle: 'blocked' }]);
    await change('unblockUser', a, b.id);
    assert.deepEqual((await change('followUser', b, a.id)).userErrors, []);
  });

  it('refuses oneself, unknown and malformed ids', async () => {
    const a = await registerUser(user, 'loner');
    assert.equal((await change('followUser', a, a.id)).userErrors[0].rule, 'SELF');
    for (const id of ['usr_00000000000000000000000000', 'rubbish', '', "usr_'; drop table account"]) {
      assert.equal((await change('blockUser', a, id)).userErrors[0].__typename, 'NotFoundError');
    }
  });
});
