import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { userSubgraph, type UserSubgraph } from '../../subgraphs/user/subgraph.ts';
import { DEMO_PASSWORD, DEMO_USERS } from '#platform/demo.ts';
import { startTestSubgraph, type TestSubgraph } from '../support/subgraphs.ts';
import { registerUser } from '../support/users.ts';

const ENTITIES = `query ($representations: [_Any!]!) {
  _entities(representations: $representations) {
    ... on User { id handle viewerFollows }
    ... on Viewer { id email }
    ... on Session { id }
  }
}`;

describe('entities of the user subgraph', () => {
  let user: TestSubgraph<UserSubgraph>;
  before(async () => void (user = await startTestSubgraph(userSubgraph())));
  after(() => user.close());

  const resolve = async (caller: Parameters<typeof user.data>[0], representations: object[]) =>
    (await user.data(caller, ENTITIES, { representations }))._entities;

  it('answers a hundred references with one SQL query, in the order asked for [S05]', async () => {
    const people = await Promise.all(Array.from({ length: 5 }, (_, i) => registerUser(user, `entity_${i}`)));
    const representations = Array.from({ length: 100 }, (_, i) => ({
      __typename: 'User',
      id: people[i % 5]!.id,
    }));
    const { database } = user.open.foundation;
    const { result, queries } = await database.countQueries(() => resolve(null, representations));
    assert.equal(queries.length, 1);
    assert.deepEqual(
      result.map((entity: { id: string }) => entity.id),
      representations.map(({ id }) => id),
    );
  });

  it('adds one query for how the viewer stands to all of them', async () => {
    const [a, b] = [await registerUser(user, 'viewer_a'), await registerUser(user, 'viewer_b')];
    await user.data(a.viewer, 'mutation ($id: ID!) { followUser(userId: $id) { user { id } } }', {
      id: b.id,
    });
    const representations = [a, b].map(({ id }) => ({ __typename: 'User', id }));
    const run = () => resolve(a.viewer, representations);
    const { result, queries } = await user.open.foundation.database.countQueries(run);
    assert.equal(queries.length, 2);
    assert.deepEqual(
      result.map((entity: { viewerFollows: boolean }) => entity.viewerFollows),
      [false, true],
    );
  });

  it('resolves by handle, and null for what does not exist', async () => {
    const { id } = await registerUser(user, 'by_handle');
    const entities = await resolve(null, [
      { __typename: 'User', handle: 'by_handle' },
      { __typename: 'User', id: 'usr_00000000000000000000000000' },
      { __typename: 'User', handle: 'nobody_here' },
      { __typename: 'User', id: 'usr_\u0000' },
      { __typename: 'User', handle: '\u0000' },
    ]);
    assert.deepEqual(entities, [{ id, handle: 'by_handle', viewerFollows: false }, null, null, null, null]);
  });

  it("keeps another person's account and sessions to themselves [S07]", async () => {
    const [a, b] = [await registerUser(user, 'private_a'), await registerUser(user, 'private_b')];
    const representations = [
      { __typename: 'Viewer', id: a.id },
      { __typename: 'Session', id: a.viewer.sessionId },
    ];
    assert.deepEqual(await resolve(b.viewer, representations), [null, null]);
    assert.deepEqual(await resolve(null, representations), [null, null]);
    assert.deepEqual(await resolve(a.viewer, representations), [
      { id: a.id, email: a.email },
      { id: a.viewer.sessionId },
    ]);
  });

  it('finds users by id, by handle in any case, and refuses both or neither', async () => {
    const { id } = await registerUser(user, 'findable');
    const find = (args: string) => user.run(null, `{ user(${args}) { id } }`);
    assert.deepEqual((await find(`id: "${id}"`)).data, { user: { id } });
    assert.deepEqual((await find('handle: "FindAble"')).data, { user: { id } });
    assert.deepEqual((await find('handle: "no_one"')).data, { user: null });
    assert.equal(
      (await find(`id: "${id}", handle: "findable"`)).errors?.[0]?.extensions?.['code'],
      'BAD_USER_INPUT',
    );
    const { users } = await user.data(null, 'query ($ids: [ID!]!) { users(ids: $ids) { handle } }', {
      ids: ['nonsense', id],
    });
    assert.deepEqual(users, [null, { handle: 'findable' }]);
  });

  it('does not believe a viewer header that somebody else signed', async () => {
    const { endpoint } = user.open.subgraph;
    const headers = { 'x-veza-viewer': 'eyJ1c2VySWQiOiJ1c3JfMSJ9.Zm9yZ2Vk' };
    const result = await endpoint.execute(
      { query: '{ viewer { id } }' },
      { headers, signal: new AbortController().signal },
    );
    assert.equal(result.data?.['viewer'], null);
  });

  it('seeds the demo people, and fills in what a killed start left out', async () => {
    const { subgraph, foundation } = user.open;
    await subgraph.seed();
    await foundation.database.fork().execute('delete from account where id = ?', [DEMO_USERS[2].id]);
    await subgraph.seed();
    await subgraph.seed();
    for (const { id, handle, email } of DEMO_USERS) {
      const { user: found } = await user.data(null, 'query ($id: ID) { user(id: $id) { handle } }', { id });
      assert.equal(found.handle, handle);
      const { login } = await user.data(
        null,
        'mutation ($input: LoginInput!) { login(input: $input) { __typename } }',
        { input: { email, password: DEMO_PASSWORD } },
      );
      assert.equal(login.__typename, 'TokenPair');
    }
  });
});
