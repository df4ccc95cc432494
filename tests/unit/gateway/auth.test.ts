import assert from 'node:assert/strict';
import { after, before, describe, test } from 'node:test';
import { createLog } from '#platform/log.ts';
import { verifyViewer } from '#platform/viewer.ts';
import type { GatewayAuth } from '../../../gateway/auth/auth.ts';
import { createJwtAuth } from '../../../gateway/auth/jwt-auth.ts';
import { codeOf, post, startFakeGateway, type FakeGateway } from './fake-gateway.ts';
import { createTokenIssuer, type TokenIssuer } from './tokens.ts';

const SECRET = 'a secret of thirty-two characters!';
const VIEWER = '{ header(name: "x-veza-viewer") authorization: header(name: "authorization") }';
const log = createLog('gateway', 'silent');

describe('authentication', () => {
  let gateway: FakeGateway;
  let auth: GatewayAuth;
  let issuer: TokenIssuer;
  before(async () => {
    issuer = await createTokenIssuer();
    auth = createJwtAuth({ jwks: async () => issuer.jwks, secret: SECRET, log });
    gateway = await startFakeGateway({ auth });
  });
  after(async () => {
    await gateway.close();
    await auth.close();
  });

  const ask = (token: string | null) =>
    post(gateway, { query: VIEWER }, token === null ? {} : { authorization: `Bearer ${token}` });

  test('turns a token into a viewer that subgraphs can check, and keeps the token itself', async () => {
    const { body } = await ask(await issuer.sign({ roles: ['ADMIN'] }));
    assert.equal(body.data?.['authorization'], null);
    const viewer = verifyViewer(String(body.data?.['header']), SECRET);
    assert.deepEqual(viewer, { userId: 'usr_1', sessionId: 'ses_1', roles: ['ADMIN'] });
  });

  test('lets callers without a token in, as nobody', async () => {
    const { status, body } = await ask(null);
    assert.deepEqual([status, body.data?.['header']], [200, null]);
  });

  test('ignores a viewer that the client claims to be', async () => {
    const { body } = await post(
      gateway,
      { query: VIEWER },
      { 'x-veza-viewer': 'eyJ1c2VySWQiOiJ1c3JfMSJ9.c2ln' },
    );
    assert.equal(body.data?.['header'], null);
  });

  test('refuses every token that is not good with 401, and the whole request with it', async () => {
    const stranger = await createTokenIssuer();
    const good = await issuer.sign();
    const [head = '', payload = ''] = good.split('.');
    const unsigned = `${Buffer.from('{"alg":"none"}').toString('base64url')}.${payload}.`;
    const bad = [
      await stranger.sign(),
      await issuer.sign({ livesS: -60 }),
      await issuer.sign({ issuer: 'other' }),
      await issuer.sign({ audience: 'other' }),
      await issuer.sign({ kid: 'unknown' }),
      await issuer.sign({ livesS: 30 * 24 * 60 * 60 }),
      await issuer.sign({ sessionId: '' }),
      `${head}.${payload}.AAAA`,
      unsigned,
      'garbage',
      'a b c',
    ];
    for (const token of bad) {
      const answer = await post(
        gateway,
        { query: 'mutation { rename(name: "no") }' },
        { authorization: `Bearer ${token}` },
      );
      assert.deepEqual([answer.status, codeOf(answer)], [401, 'UNAUTHENTICATED'], token);
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
    }
    assert.deepEqual(gateway.engine.mutations, []);
  });

  test('refuses other schemes', async () => {
    assert.equal((await post(gateway, { query: VIEWER }, { authorization: 'Basic eDp5' })).status, 401);
  });

  test('stops honouring a cached token when its time is over', async () => {
    let nowMs = Date.now();
    const clocked = createJwtAuth({ jwks: async () => issuer.jwks, secret: SECRET, log, now: () => nowMs });
    const authorization = `Bearer ${await issuer.sign({ livesS: 30 })}`;
    assert.equal((await clocked.authenticate(authorization))?.viewer.userId, 'usr_1');
    nowMs += 40_000;
    await assert.rejects(clocked.authenticate(authorization), { code: 'UNAUTHENTICATED' });
    await clocked.close();
  });

  test('renews the viewer header before it is over, and reuses it until then', async () => {
    let nowMs = Date.now();
    const clocked = createJwtAuth({ jwks: async () => issuer.jwks, secret: SECRET, log, now: () => nowMs });
    const identity = await clocked.authenticate(`Bearer ${await issuer.sign({ livesS: 600 })}`);
    const first = identity?.viewerHeader();
    nowMs += 10_000;
    assert.equal(identity?.viewerHeader(), first);
    nowMs += 80_000;
    assert.ok(verifyViewer(identity?.viewerHeader() ?? '', SECRET, nowMs));
    await clocked.close();
  });
});

describe('keys', () => {
  test('follow a rotation: a token under a new key is good at once, without a restart [X02]', async () => {
    let nowMs = Date.now();
    let current = await createTokenIssuer('old');
    let loads = 0;
    const jwks = async () => ((loads += 1), current.jwks);
    const auth = createJwtAuth({ jwks, secret: SECRET, log, now: () => nowMs });
    await auth.ready();
    current = await createTokenIssuer('new');
    nowMs += 10_000;
    assert.ok(await auth.authenticate(`Bearer ${await current.sign()}`));
    const forged = await createTokenIssuer('made-up');
    for (const session of ['a', 'b', 'c'])
      await assert.rejects(auth.authenticate(`Bearer ${await forged.sign({ sessionId: session })}`));
    assert.equal(loads, 2, 'made-up key ids must not cause a load each');
    await auth.close();
  });

  test('that cannot be had make a token unverifiable, not wrong', async () => {
    const issuer = await createTokenIssuer();
    const auth = createJwtAuth({ jwks: new URL('http://127.0.0.1:1/jwks'), secret: SECRET, log });
    const gateway = await startFakeGateway({ auth });
    const answer = await post(gateway, { query: VIEWER }, { authorization: `Bearer ${await issuer.sign()}` });
    assert.deepEqual([answer.status, codeOf(answer)], [503, 'SERVICE_UNAVAILABLE']);
    assert.equal((await post(gateway, { query: VIEWER })).status, 200);
    const ready = await fetch(`${gateway.url}/health/ready`);
    assert.equal(ready.status, 503);
    assert.match(JSON.stringify(await ready.json()), /"keys":/);
    await gateway.close();
    await auth.close();
  });

  test('go on verifying while their source is away', async () => {
    let nowMs = Date.now();
    const issuer = await createTokenIssuer();
    let isAway = false;
    const jwks = async () => (isAway ? Promise.reject(new Error('away')) : issuer.jwks);
    const auth = createJwtAuth({ jwks, secret: SECRET, log, now: () => nowMs });
    await auth.ready();
    isAway = true;
    nowMs += 60 * 60_000;
    assert.ok(await auth.authenticate(`Bearer ${await issuer.sign({ livesS: 2 * 60 * 60 })}`));
    await auth.close();
  });
});
