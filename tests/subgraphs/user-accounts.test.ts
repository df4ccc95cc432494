import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { createLocalJWKSet, decodeProtectedHeader, jwtVerify } from 'jose';
import { userSubgraph, type UserSubgraph } from '../../subgraphs/user/subgraph.ts';
import { startTestSubgraph, type TestSubgraph } from '../support/subgraphs.ts';
import { PASSWORD, registerUser } from '../support/users.ts';

const REGISTER = `mutation ($input: RegisterInput!) {
  register(input: $input) {
    tokens { expiresInSeconds session { current } viewer { email roles user { handle displayName } } }
    userErrors { __typename field ... on ValidationError { rule } }
  }
}`;
const LOGIN = `mutation ($email: String!, $password: String!) {
  login(input: { email: $email, password: $password }) {
    __typename
    ... on TokenPair { accessToken refreshToken session { id } viewer { id } }
    ... on InvalidCredentialsError { message }
    ... on RateLimitedError { retryAfterMs }
  }
}`;

describe('accounts of the user subgraph', () => {
  let user: TestSubgraph<UserSubgraph>;
  let nowMs = Date.now();
  before(async () => void (user = await startTestSubgraph(userSubgraph(), { now: () => new Date(nowMs) })));
  after(() => user.close());

  const register = async (input: object) => (await user.data(null, REGISTER, { input })).register;
  const login = async (email: string, password: string) =>
    (await user.data(null, LOGIN, { email, password })).login;

  it('registers an account and signs it in [S05 S06]', async () => {
    const { tokens, userErrors } = await register({
      email: ' Alba@Example.org ',
      handle: 'Alba',
      password: PASSWORD,
    });
    assert.deepEqual(userErrors, []);
    assert.deepEqual(tokens.viewer.user, { handle: 'alba', displayName: 'alba' });
    assert.equal(tokens.viewer.email, 'alba@example.org');
    assert.deepEqual(tokens.viewer.roles, ['USER']);
    assert.equal(tokens.expiresInSeconds, 600);
  });

  it('names every broken rule of a registration at once', async () => {
    const input = { email: 'nobody', handle: '1', password: 'short', displayName: 'x'.repeat(61) };
    const { tokens, userErrors } = await register(input);
    assert.equal(tokens, null);
    const rules = userErrors.map((error: { field: string[]; rule: string }) => [
      error.field.at(-1),
      error.rule,
    ]);
    assert.deepEqual(rules, [
      ['email', 'INVALID_EMAIL'],
      ['handle', 'INVALID_HANDLE'],
      ['password', 'TOO_SHORT'],
      ['displayName', 'TOO_LONG'],
    ]);
  });

  it('gives a handle to one of ten who ask at the same moment', async () => {
    const inputs = Array.from({ length: 10 }, (_, i) => ({
      email: `r${i}@example.org`,
      handle: 'racer',
      password: PASSWORD,
    }));
    const outcomes = await Promise.all(inputs.map(register));
    assert.equal(outcomes.filter(({ tokens }) => tokens).length, 1);
    const refused = outcomes.filter(({ tokens }) => !tokens);
    assert.ok(refused.every(({ userErrors }) => userErrors[0].rule === 'TAKEN'));
  });

  it('issues access tokens that the published keys verify [X01]', async () => {
    const { accessToken, id, viewer } = await registerUser(user, 'token_owner');
    const keys = await user.open.subgraph.keys.jwks();
    const set = createLocalJWKSet(keys);
    const { payload } = await jwtVerify(accessToken, set, {
      issuer: 'veza',
      audience: 'veza',
      currentDate: new Date(nowMs),
    });
    assert.equal(payload.sub, id);
    assert.equal(payload['sid'], viewer.sessionId);
    assert.equal(decodeProtectedHeader(accessToken).kid, keys.keys[0]?.kid);
    assert.equal(decodeProtectedHeader(accessToken).alg, 'EdDSA');
  });

  it('keeps old tokens valid when a new key is added, and signs with the new one soon after [X02]', async () => {
    const { keys } = user.open.subgraph;
    const before = await registerUser(user, 'rotation_before');
    nowMs += 1_000;
    await keys.rotate(new Date(nowMs));
    nowMs += 3 * 60_000;
    const after = await registerUser(user, 'rotation_after');
    const set = createLocalJWKSet(await keys.jwks());
    for (const { accessToken } of [before, after]) {
      await jwtVerify(accessToken, set, { currentDate: new Date(nowMs) });
    }
    const [oldKid, newKid] = [before, after].map(({ accessToken }) => decodeProtectedHeader(accessToken).kid);
    assert.notEqual(oldKid, newKid);
  });

  it('stores passwords as argon2id hashes and nothing else [X16]', async () => {
    const { id } = await registerUser(user, 'hashed');
    const rows = await user.open.foundation.database
      .fork()
      .execute('select * from account where id = ?', [id]);
    assert.match(rows[0]!.password_hash, /^\$argon2id\$v=19\$m=19456,t=2,p=1\$/);
    assert.ok(!JSON.stringify(rows).includes(PASSWORD));
  });

  it('renews a hash that was made with other costs when its owner signs in [X16]', async () => {
    const { id, email } = await registerUser(user, 'stale');
    const em = user.open.foundation.database.fork();
    const weak = '$argon2id$v=19$m=8,t=1,p=1$c29tZXNhbHRzb21lc2FsdA$';
    const { argon2Sync } = await import('node:crypto');
    const nonce = Buffer.from('c29tZXNhbHRzb21lc2FsdA', 'base64');
    const tag = argon2Sync('argon2id', {
      message: PASSWORD,
      nonce,
      tagLength: 32,
      memory: 8,
      passes: 1,
      parallelism: 1,
    });
    const stored = weak + tag.toString('base64').replaceAll('=', '');
    await em.execute('update account set password_hash = ? where id = ?', [stored, id]);
    assert.equal((await login(email, PASSWORD)).__typename, 'TokenPair');
    const [row] = await em.execute('select password_hash from account where id = ?', [id]);
    assert.match(row!.password_hash, /m=19456/);
  });

  it('answers a wrong password and an unknown address alike', async () => {
    const { email } = await registerUser(user, 'guarded');
    const wrong = await login(email, 'not the password');
    const unknown = await login('nobody@example.org', 'not the password');
    assert.equal(wrong.__typename, 'InvalidCredentialsError');
    assert.deepEqual(wrong, unknown);
  });

  it('locks an account after ten failures, and opens it again after 15 minutes', async () => {
    const { email } = await registerUser(user, 'locked');
    for (let i = 0; i < 10; i++)
      assert.equal((await login(email, 'wrong one')).__typename, 'InvalidCredentialsError');
    const refused = await login(email, PASSWORD);
    assert.equal(refused.__typename, 'RateLimitedError');
    assert.equal(refused.retryAfterMs, 15 * 60_000);
    nowMs += 15 * 60_000;
    assert.equal((await login(email, PASSWORD)).__typename, 'TokenPair');
  });

  it('leaves an event for a registration and a sign-in [E05 F01]', async () => {
    const { id, email } = await registerUser(user, 'eventful');
    await login(email, PASSWORD);
    const events = await user.open.foundation.events.read(`user:${id}`);
    assert.deepEqual(
      events.map(({ name, seq }) => [name, seq]),
      [
        ['user.registered', 1],
        ['session.started', 2],
      ],
    );
    assert.ok(!JSON.stringify(events).includes('@'));
  });
});
