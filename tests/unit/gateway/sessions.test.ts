import assert from 'node:assert/strict';
import { text } from 'node:stream/consumers';
import { describe, test } from 'node:test';
import { setImmediate } from 'node:timers/promises';
import { memoryLiveBus } from '#platform/events/live-bus-memory.ts';
import { createLog } from '#platform/log.ts';
import { VIEWER_HEADER } from '#platform/viewer.ts';
import { createJwtAuth, type JwtAuthOptions } from '../../../gateway/auth/jwt-auth.ts';
import { REMEMBER_MS, watchRevocations } from '../../../gateway/auth/revocations.ts';
import type { SocketLimits } from '../../../gateway/subscriptions/socket-limits.ts';
import { announceRevoked, REVOKED_SESSIONS_TOPIC } from '#platform/revoked-sessions.ts';
import { connectSocket, openSocket, type SocketMessage } from '../../support/graphql-ws-client.ts';
import { openRaw } from '../../support/raw-http.ts';
import { post, startFakeGateway } from './fake-gateway.ts';
import { readEvents } from './event-reader.ts';
import { createTokenIssuer } from './tokens.ts';

const SECRET = 'a secret of thirty-two characters!';
const TICKS = { type: 'subscribe', id: 's', payload: { query: 'subscription { ticks }' } };
const log = createLog('gateway', 'silent');

async function start(options: Partial<JwtAuthOptions> = {}, socketLimits: Partial<SocketLimits> = {}) {
  const issuer = await createTokenIssuer();
  const auth = createJwtAuth({ jwks: async () => issuer.jwks, secret: SECRET, log, ...options });
  const gateway = await startFakeGateway({
    auth,
    socketLimits: { sweepMs: 5, tokenGraceMs: 0, ...socketLimits },
  });
  const close = async () => {
    await gateway.close();
    await auth.close();
  };
  return { ...gateway, issuer, auth, close };
}

describe('sessions', () => {
  test('authenticate a socket by any form of the token in connection_init', async () => {
    const gateway = await start();
    const token = await gateway.issuer.sign({ userId: 'usr_7' });
    const forms = [
      { authorization: `Bearer ${token}` },
      { Authorization: `Bearer ${token}` },
      { headers: { Authorization: `Bearer ${token}` } },
      { token },
    ];
    for (const payload of forms) {
      const client = await connectSocket(gateway.url, payload);
      client.send(TICKS);
      const { headers } = await gateway.engine.nextUpstream();
      assert.match(Buffer.from(headers[VIEWER_HEADER] ?? '', 'base64url').toString(), /usr_7/);
      await client.close();
    }
    await gateway.close();
  });

  test('with a token that is not good never begin: the socket closes with 4403', async () => {
    const gateway = await start();
    const stranger = await createTokenIssuer();
    for (const token of [await stranger.sign(), await gateway.issuer.sign({ livesS: -60 }), 'garbage']) {
      const client = await openSocket(gateway.url);
      client.send({ type: 'connection_init', payload: { token } });
      assert.equal((await client.closed).code, 4403);
    }
    await gateway.close();
  });

  test('that are revoked are refused at once, and their sockets and streams closed [F02]', async () => {
    const liveBus = memoryLiveBus();
    const gateway = await start({ revocations: { liveBus } });
    const authorization = `Bearer ${await gateway.issuer.sign({ sessionId: 'ses_gone' })}`;
    const other = await connectSocket(gateway.url, {
      token: await gateway.issuer.sign({ sessionId: 'ses_stays' }),
    });
    const client = await connectSocket(gateway.url, { authorization });
    client.send(TICKS);
    const upstream = await gateway.engine.nextUpstream();
    const stream = await readEvents(gateway.url, { query: 'subscription { ticks }' }, { authorization });
    await gateway.engine.nextUpstream();
    assert.equal((await post(gateway, { query: '{ hello }' }, { authorization })).status, 200);

    await liveBus.publish(REVOKED_SESSIONS_TOPIC, {
      sessionId: 'ses_gone',
      revokedAt: new Date().toISOString(),
    });
    assert.equal((await client.closed).code, 4403);
    await upstream.returned;
    assert.match((await stream.next())?.data ?? '', /UNAUTHENTICATED/);
    assert.equal((await post(gateway, { query: '{ hello }' }, { authorization })).status, 401);
    assert.equal(other.socket.readyState, other.socket.OPEN);
    await other.close();
    await gateway.close();
    await liveBus.close();
  });

  test('that are revoked while a request is still arriving are refused before anything is answered', async () => {
    const liveBus = memoryLiveBus();
    const issuer = await createTokenIssuer();
    const jwt = createJwtAuth({
      jwks: async () => issuer.jwks,
      secret: SECRET,
      log,
      revocations: { liveBus },
    });
    let authenticated = Promise.withResolvers<void>();
    const authenticate: typeof jwt.authenticate = async (authorization) =>
      jwt.authenticate(authorization).finally(() => authenticated.resolve());
    const gateway = await startFakeGateway({ auth: { ...jwt, authenticate } });
    const body = JSON.stringify({ query: 'subscription { ticks }' });
    for (const accept of ['text/event-stream', 'multipart/mixed;subscriptionSpec=1.0', 'application/json']) {
      const sessionId = `ses_${accept}`;
      const token = await issuer.sign({ sessionId });
      authenticated = Promise.withResolvers();
      const socket = await openRaw(
        gateway.listener.port,
        `POST /graphql HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\naccept: ${accept}\r\n` +
          `authorization: Bearer ${token}\r\ncontent-length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
      );
      await authenticated.promise;
      const known = new Promise((resolve) => jwt.onRevoked(resolve));
      await liveBus.publish(REVOKED_SESSIONS_TOPIC, { sessionId });
      assert.equal(await known, sessionId);
      socket.write(body.slice(10));
      const answer = await text(socket);
      assert.match(answer, /^HTTP\/1.1 401 [^]*The session was ended/, accept);
    }
    await gateway.close();
    await jwt.close();
    await liveBus.close();
  });

  test('that are told of by the live bus alone are forgotten once no token of theirs can live', async () => {
    let nowMs = 0;
    const liveBus = memoryLiveBus();
    const revocations = watchRevocations({ liveBus, log, now: () => nowMs });
    const told = async (sessionId: string) => {
      while (!revocations.has(sessionId)) {
        await announceRevoked(liveBus, log, [sessionId]);
        await setImmediate();
      }
    };
    await told('ses_old');
    nowMs += REMEMBER_MS + 60_000;
    await told('ses_new');
    assert.ok(!revocations.has('ses_old'));
    await revocations.close();
    await liveBus.close();
  });

  test('revoked while the live bus lost its message are found by asking', async () => {
    const asked = Promise.withResolvers<number>();
    const revokedSessions = async (sinceMs: number) => (asked.resolve(sinceMs), [{ sessionId: 'ses_gone' }]);
    const gateway = await start({ revocations: { revokedSessions } });
    assert.ok((await asked.promise) < Date.now() - 60 * 60_000, 'asks for what happened while it was away');
    const authorization = `Bearer ${await gateway.issuer.sign({ sessionId: 'ses_gone' })}`;
    assert.equal((await post(gateway, { query: '{ hello }' }, { authorization })).status, 401);
    await gateway.close();
  });

  test('end with their token: the socket closes with 4403 so that the client resumes with a fresh one', async () => {
    const gateway = await start();
    const client = await connectSocket(gateway.url, { token: await gateway.issuer.sign({ livesS: 1 }) });
    assert.deepEqual(await client.closed, { code: 4403, reason: 'Token expired' });
    await gateway.close();
  });

  test('go on with a fresh token that comes over the same socket, before or after the old one has expired', async () => {
    const gateway = await start({}, { tokenGraceMs: 60_000 });
    const client = await openSocket(gateway.url);
    client.send({ type: 'connection_init', payload: { token: await gateway.issuer.sign({ livesS: 1 }) } });
    const ack = await client.next();
    assert.ok(tokenLife(ack) > 0 && tokenLife(ack) <= 1_000, JSON.stringify(ack));
    client.send(TICKS);
    const upstream = await gateway.engine.nextUpstream();
    assert.deepEqual(await client.next(), { type: 'ping', payload: { tokenExpiresInMs: 0 } });
    client.send({ ...TICKS, id: 'late' });
    const refused = await client.next();
    assert.match(JSON.stringify(refused), /"type":"error".*UNAUTHENTICATED/);
    const authorization = `Bearer ${await gateway.issuer.sign({ livesS: 600 })}`;
    client.send({ type: 'ping', payload: { authorization } });
    const pong = await client.next();
    assert.equal(pong.type, 'pong');
    assert.ok(tokenLife(pong) > 500_000);
    upstream.push('still there');
    assert.deepEqual(await client.next(), {
      id: 's',
      type: 'next',
      payload: { data: { ticks: 'still there' } },
    });
    client.send({ ...TICKS, id: 'later' });
    await gateway.engine.nextUpstream();
    await client.close();
    await gateway.close();
  });

  test('end with a token that is refused, or is of somebody else', async () => {
    const gateway = await start();
    const stranger = await createTokenIssuer();
    const bad = [
      await stranger.sign(),
      await gateway.issuer.sign({ userId: 'usr_other' }),
      await gateway.issuer.sign({ sessionId: 'ses_other' }),
    ];
    for (const token of bad) {
      const client = await connectSocket(gateway.url, { token: await gateway.issuer.sign() });
      client.send({ type: 'ping', payload: { authorization: `Bearer ${token}` } });
      assert.equal((await client.closed).code, 4403);
    }
    await gateway.close();
  });
});

/** What a message says of the token's life, in ms. */
const tokenLife = ({ payload }: SocketMessage): number => Number(Object(payload).tokenExpiresInMs);
