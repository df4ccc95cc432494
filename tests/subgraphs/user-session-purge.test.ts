import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { userSubgraph, type UserSubgraph } from '../../subgraphs/user/subgraph.ts';
import { startTestSubgraph, type TestSubgraph } from '../support/subgraphs.ts';
import { registerUser } from '../support/users.ts';

const DAY_MS = 24 * 3_600_000;
const REFRESH = `mutation ($token: String!) {
  refreshTokens(refreshToken: $token) { __typename ... on TokenPair { refreshToken } }
}`;

describe('the purge of the user subgraph', () => {
  let user: TestSubgraph<UserSubgraph>;
  let nowMs = Date.now();
  before(async () => void (user = await startTestSubgraph(userSubgraph(), { now: () => new Date(nowMs) })));
  after(() => user.close());

  const refresh = async (token: string) => (await user.data(null, REFRESH, { token })).refreshTokens;
  const daysLater = async (days: number) => {
    nowMs += days * DAY_MS;
    await user.open.purge.purgeDue();
  };
  const counts = async (sessionId: string) => {
    const { database } = user.open.foundation;
    const [row] = await database.fork().execute<{ sessions: number; tokens: number }[]>(
      `select (select count(*)::int from session where id = ?) as sessions,
         (select count(*)::int from refresh_token where session_id = ?) as tokens`,
      [sessionId, sessionId],
    );
    return row;
  };

  it('forgets a session and its tokens 30 days after it was revoked, or has run out', async () => {
    const left = await registerUser(user, 'leaver');
    await user.data(left.viewer, 'mutation { logout { sessionId } }');
    const outlived = await registerUser(user, 'outlived');
    await daysLater(29.9);
    assert.deepEqual(await counts(left.viewer.sessionId), { sessions: 1, tokens: 1 });
    await daysLater(0.2);
    assert.deepEqual(await counts(left.viewer.sessionId), { sessions: 0, tokens: 0 });
    assert.deepEqual(await counts(outlived.viewer.sessionId), { sessions: 1, tokens: 1 });
    await daysLater(30);
    assert.deepEqual(await counts(outlived.viewer.sessionId), { sessions: 0, tokens: 0 });
    assert.equal((await refresh(outlived.refreshToken)).__typename, 'InvalidCredentialsError');
  });

  it('keeps a session that goes on, and knows a used token of it for 30 days', async () => {
    const { viewer, refreshToken } = await registerUser(user, 'faithful');
    let token = refreshToken;
    for (let week = 0; week < 6; week += 1) {
      token = (await refresh(token)).refreshToken;
      await daysLater(7);
    }
    // Used 0, 7 … days after the first; all that is left was used in the last 30 days, or not yet.
    assert.deepEqual(await counts(viewer.sessionId), { sessions: 1, tokens: 5 });
    assert.equal((await refresh(refreshToken)).__typename, 'InvalidCredentialsError');
    const next = await refresh(token);
    assert.equal(next.__typename, 'TokenPair');
    await daysLater(29);
    assert.equal((await refresh(token)).__typename, 'RefreshReuseError');
  });
});
