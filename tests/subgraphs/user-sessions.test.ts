import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { REVOKED_SESSIONS_TOPIC } from '#platform/revoked-sessions.ts';
import { userSubgraph, type UserSubgraph } from '../../subgraphs/user/subgraph.ts';
import { startTestSubgraph, type TestSubgraph } from '../support/subgraphs.ts';
import { PASSWORD, registerUser } from '../support/users.ts';

const REFRESH = `mutation ($token: String!) {
  refreshTokens(refreshToken: $token) {
    __typename
    ... on TokenPair { accessToken refreshToken session { id } }
    ... on UserError { message }
  }
}`;
const LOGIN = `mutation ($email: String!, $password: String!) {
  login(input: { email: $email, password: $password }) { ... on TokenPair { session { id } } __typename }
}`;
const SESSIONS = '{ viewer { sessions(first: 50) { nodes { id current } } } }';

describe('sessions of the user subgraph', () => {
  let user: TestSubgraph<UserSubgraph>;
  let nowMs = Date.now();
  before(async () => void (user = await startTestSubgraph(userSubgraph(), { now: () => new Date(nowMs) })));
  after(() => user.close());

  const refresh = async (token: string) => (await user.data(null, REFRESH, { token })).refreshTokens;
  const signIn = async (email: string, password = PASSWORD) =>
    (await user.data(null, LOGIN, { email, password })).login;
  const sessionIds = async (viewer: Parameters<typeof user.data>[0]) =>
    (await user.data(viewer, SESSIONS)).viewer.sessions.nodes.map((node: { id: string }) => node.id);

  it('trades a refresh token for a new pair of the same session', async () => {
    const { refreshToken, viewer } = await registerUser(user, 'refresher');
    const next = await refresh(refreshToken);
    assert.equal(next.__typename, 'TokenPair');
    assert.equal(next.session.id, viewer.sessionId);
    assert.notEqual(next.refreshToken, refreshToken);
    assert.equal((await refresh(next.refreshToken)).__typename, 'TokenPair');
  });

  it('ends the session when a refresh token comes a second time', async () => {
    const { refreshToken, viewer } = await registerUser(user, 'robbed');
    const next = await refresh(refreshToken);
    const notices = await user.liveBus.subscribe(REVOKED_SESSIONS_TOPIC);
    assert.equal((await refresh(refreshToken)).__typename, 'RefreshReuseError');
    assert.deepEqual((await notices.next()).value, { sessionId: viewer.sessionId });
    await notices.return();
    assert.equal((await refresh(next.refreshToken)).__typename, 'InvalidCredentialsError');
    assert.deepEqual(await sessionIds(viewer), []);
  });

  it('lets one of five win who use the same refresh token at the same moment', async () => {
    const { refreshToken } = await registerUser(user, 'parallel');
    const outcomes = await Promise.all(Array.from({ length: 5 }, () => refresh(refreshToken)));
    assert.equal(outcomes.filter(({ __typename }) => __typename === 'TokenPair').length, 1);
  });

  it('refuses an unknown, an empty and an outlived refresh token', async () => {
    const { refreshToken } = await registerUser(user, 'outlived');
    nowMs += 30 * 24 * 3_600_000;
    for (const token of ['unknown', '', refreshToken]) {
      assert.equal((await refresh(token)).__typename, 'InvalidCredentialsError');
    }
  });

  it('lists open sessions, marks the current one and pages through them', async () => {
    const { viewer, email } = await registerUser(user, 'lister');
    for (let i = 0; i < 3; i++) {
      nowMs += 1_000;
      await signIn(email);
    }
    const all = (await user.data(viewer, SESSIONS)).viewer.sessions.nodes;
    assert.equal(all.length, 4);
    assert.deepEqual(
      all.filter((node: { current: boolean }) => node.current).map((node: { id: string }) => node.id),
      [viewer.sessionId],
    );
    const seen: string[] = [];
    let afterCursor: string | null = null;
    do {
      const page: { nodes: { id: string }[]; pageInfo: { endCursor: string; hasNextPage: boolean } } = (
        await user.data(
          viewer,
          'query ($after: String) { viewer { sessions(first: 3, after: $after) { nodes { id } pageInfo { endCursor hasNextPage } } } }',
          { after: afterCursor },
        )
      ).viewer.sessions;
      seen.push(...page.nodes.map(({ id }) => id));
      afterCursor = page.pageInfo.hasNextPage ? page.pageInfo.endCursor : null;
    } while (afterCursor);
    assert.deepEqual(
      seen,
      all.map((node: { id: string }) => node.id),
    );
  });

  it('signs out: the session is announced as ended and its refresh token is refused [F02 X03]', async () => {
    const { viewer, refreshToken } = await registerUser(user, 'leaver');
    const notices = await user.liveBus.subscribe(REVOKED_SESSIONS_TOPIC);
    const { logout } = await user.data(viewer, 'mutation { logout { sessionId userErrors { message } } }');
    assert.deepEqual(logout, { sessionId: viewer.sessionId, userErrors: [] });
    assert.deepEqual((await notices.next()).value, { sessionId: viewer.sessionId });
    await notices.return();
    assert.equal((await refresh(refreshToken)).__typename, 'InvalidCredentialsError');
    const listed = await user.open.subgraph.revokedSessions(nowMs - 1_000);
    assert.ok(listed.some(({ sessionId }) => sessionId === viewer.sessionId));
  });

  it("ends one of the caller's sessions, but never another person's", async () => {
    const { viewer, email } = await registerUser(user, 'revoker');
    const other = await registerUser(user, 'bystander');
    const second = (await signIn(email)).session.id;
    const revoke = async (id: string) =>
      (
        await user.data(
          viewer,
          'mutation ($id: ID!) { revokeSession(id: $id) { userErrors { __typename } } }',
          { id },
        )
      ).revokeSession.userErrors;
    assert.deepEqual(await revoke(second), []);
    assert.deepEqual(await sessionIds(viewer), [viewer.sessionId]);
    for (const id of [second, other.viewer.sessionId, 'ses_nonsense']) {
      assert.deepEqual(await revoke(id), [{ __typename: 'NotFoundError' }]);
    }
    assert.deepEqual(await sessionIds(other.viewer), [other.viewer.sessionId]);
  });

  it('ends every other session when the password changes', async () => {
    const { viewer, email } = await registerUser(user, 'changer');
    await signIn(email);
    const change = (currentPassword: string, newPassword: string) =>
      user.data(
        viewer,
        `mutation ($currentPassword: String!, $newPassword: String!) {
          changePassword(currentPassword: $currentPassword, newPassword: $newPassword) {
            userErrors { field ... on ValidationError { rule } }
          }
        }`,
        { currentPassword, newPassword },
      );
    const wrong = await change('not it', 'another good one');
    assert.deepEqual(wrong.changePassword.userErrors, [
      { field: ['currentPassword'], rule: 'WRONG_PASSWORD' },
    ]);
    assert.deepEqual((await change(PASSWORD, 'another good one')).changePassword.userErrors, []);
    assert.deepEqual(await sessionIds(viewer), [viewer.sessionId]);
    assert.equal((await signIn(email)).__typename, 'InvalidCredentialsError');
    assert.equal((await signIn(email, 'another good one')).__typename, 'TokenPair');
  });

  it('refuses callers who are not signed in', async () => {
    const { errors, data } = await user.run(null, 'mutation { logout { sessionId } }');
    assert.equal(errors?.[0]?.extensions?.['code'], 'UNAUTHENTICATED');
    assert.equal(data, null);
    assert.equal((await user.data(null, '{ viewer { id } }')).viewer, null);
  });
});
