import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { RealtimeError } from '../../../clients/realtime/realtime-client.ts';
import { createTokens, type TokenReason } from '../../../clients/realtime/tokens.ts';
import { cursorsOf, FOLLOW, startLog, createTestClient, type Entry } from './realtime-kit.ts';
import { startSocketServer, type Conversation } from './socket-server.ts';

describe('a token', () => {
  /** Answers of an application, given by hand. */
  function createApplication() {
    const questions: { readonly reason: TokenReason; answer(token: string | null): void }[] = [];
    const tokens = createTokens((reason) => {
      const { promise, resolve } = Promise.withResolvers<string | null>();
      questions.push({ reason, answer: resolve });
      return promise;
    });
    const reasons = () => questions.map(({ reason }) => reason);
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    return { tokens, questions, reasons, turn };
  }

  test('is never asked for twice at once, whoever needs it', async () => {
    const { tokens, questions, reasons, turn } = createApplication();
    const first = [tokens.current(), tokens.current()];
    const renewed = [tokens.renewed(), tokens.renewed()];
    await turn();
    assert.deepEqual(reasons(), ['connect']);
    questions[0]?.answer('old');
    for (const credentials of await Promise.all(first))
      assert.deepEqual(credentials, { authorization: 'Bearer old' });
    await turn();
    assert.deepEqual(reasons(), ['connect', 'renew'], 'one that is kept is not fresh');
    const last = tokens.current();
    questions[1]?.answer('fresh');
    for (const credentials of await Promise.all([...renewed, last]))
      assert.deepEqual(credentials, { authorization: 'Bearer fresh' });
    assert.equal(questions.length, 2);
  });

  test('that is refused is asked for anew once, however many connections had it', async () => {
    const { tokens, questions, reasons, turn } = createApplication();
    const ask = async (token: string | null) => {
      const credentials = tokens.current();
      await turn();
      questions.at(-1)?.answer(token);
      return credentials;
    };
    const [one, other] = [await ask('old'), await ask('old')];
    tokens.refuse(one);
    await ask('fresh');
    tokens.refuse(other);
    await ask('fresh');
    assert.deepEqual(reasons(), ['connect', 'connect', 'renew', 'connect']);
    tokens.refuse(await ask(null));
    assert.deepEqual(await ask(null), {});
    assert.deepEqual(reasons().slice(4), ['connect', 'renew']);
  });
});

describe('the realtime client', () => {
  test('brings a socket fresh tokens before each one ends, so that it lives on', async (t) => {
    const renewals = Promise.withResolvers<void>();
    const reasons: string[] = [];
    const { client, log, issuer } = await startLog(t, {
      token: async (reason) => {
        if (reasons.push(reason) === 4) renewals.resolve();
        return issuer.sign({ livesS: 3 });
      },
    });
    const events = client.subscribe<Entry>(FOLLOW, { after: 'c0' });
    const next = cursorsOf(events, 1);
    // Three lives later.
    await renewals.promise;
    log.append(1);
    assert.deepEqual(await next, ['c1']);
    assert.deepEqual(reasons, ['connect', 'renew', 'renew', 'renew']);
    assert.equal(log.upstreams.length, 1, 'nothing was subscribed anew');
  });

  for (const singleConnection of [false, true])
    test(`follows on with a fresh token when that of its event stream has ended${singleConnection ? ', which it shares' : ''}`, async (t) => {
      const reasons: string[] = [];
      const { client, log, issuer } = await startLog(t, {
        transport: 'sse',
        singleConnection,
        token: (reason) => issuer.sign({ livesS: reasons.push(reason) === 1 ? 1 : 60 }),
      });
      log.append(3);
      const events = client.subscribe<Entry>(FOLLOW, { after: 'c0' });
      await cursorsOf(events, 3);
      const next = cursorsOf(events, 1);
      await log.upstreams[0]?.returned;
      log.append(1);
      assert.deepEqual(await next, ['c4']);
      assert.deepEqual(reasons, ['connect', 'renew']);
      assert.deepEqual(log.begun, ['c0', 'c3']);
    });
});

describe('the realtime client, on a socket whose token', () => {
  const EXPIRED = { type: 'ping', payload: { tokenExpiresInMs: 0 } };

  /** A client with tokens `token 1`, `token 2` …, and what a server hears of them. */
  async function converse(t: Parameters<typeof startSocketServer>[0], talk: (heard: Conversation) => void) {
    const asked: TokenReason[] = [];
    const { url } = await startSocketServer(t, talk);
    const token = (reason: TokenReason) => `token ${asked.push(reason)}`;
    return { asked, url, token, client: createTestClient(t, { url, token }) };
  }

  test('has ended brings a fresh one over the same socket, one at a time', async (t) => {
    const brought: unknown[] = [];
    const { client, asked } = await converse(t, ({ message, count, send, next }) => {
      if (message.type === 'connection_init')
        send({ type: 'connection_ack', payload: { tokenExpiresInMs: 60_000 } });
      if (message.type === 'subscribe') for (let times = 0; times < 3; times++) send(EXPIRED);
      if (message.type !== 'ping' || !message.payload) return;
      brought.push(message.payload);
      send(EXPIRED);
      send({ type: 'pong', payload: { tokenExpiresInMs: 60_000 } });
      if (brought.length === 1) send(EXPIRED);
      else next(`c${count}`);
    });
    assert.deepEqual(await cursorsOf(client.subscribe<Entry>(FOLLOW), 1), ['c1']);
    assert.deepEqual(brought, [{ authorization: 'Bearer token 2' }, { authorization: 'Bearer token 3' }]);
    assert.deepEqual(asked, ['connect', 'renew', 'renew']);
  });

  test('ends soon asks again where a fresh one could not be had', async (t) => {
    const asked: TokenReason[] = [];
    const { url } = await startSocketServer(t, ({ message, send, next }) => {
      if (message.type === 'connection_init')
        send({ type: 'connection_ack', payload: { tokenExpiresInMs: 1 } });
      if (message.type !== 'ping' || !message.payload) return;
      send({ type: 'pong', payload: { tokenExpiresInMs: 60_000 } });
      next('c1');
    });
    const token = (reason: TokenReason) => {
      if (asked.push(reason) === 2) throw new Error('no network');
      return 'token';
    };
    const client = createTestClient(t, { url, token });
    assert.deepEqual(await cursorsOf(client.subscribe<Entry>(FOLLOW), 1), ['c1']);
    assert.deepEqual(asked, ['connect', 'renew', 'renew']);
  });

  test('is refused when it is renewed comes back with another one, and goes on behind the last event', async (t) => {
    const inits: unknown[] = [];
    const begun: unknown[] = [];
    const { client, asked } = await converse(t, ({ message, send, next, close }) => {
      if (message.type === 'connection_init') {
        inits.push(message.payload);
        send({ type: 'connection_ack', payload: { tokenExpiresInMs: 60_000 } });
      }
      if (message.type === 'ping' && message.payload) close(4403);
      if (message.type !== 'subscribe') return;
      begun.push(message.payload.variables?.['after']);
      next(`c${begun.length}`);
      if (begun.length === 1) send(EXPIRED);
    });
    assert.deepEqual(await cursorsOf(client.subscribe<Entry>(FOLLOW), 2), ['c1', 'c2']);
    assert.deepEqual(begun, [undefined, 'c1']);
    assert.deepEqual(inits, [{ authorization: 'Bearer token 1' }, { authorization: 'Bearer token 3' }]);
    assert.deepEqual(asked, ['connect', 'renew', 'renew']);
  });

  test('is good no more for an operation, though the socket stays, begins it on another socket', async (t) => {
    const sockets = new Set<unknown>();
    const { client, asked } = await converse(t, ({ message, socket, send, next }) => {
      sockets.add(socket);
      if (message.type === 'connection_init') send({ type: 'connection_ack' });
      if (message.type !== 'subscribe') return;
      if (asked.at(-1) === 'renew') return next('c1');
      const errors = [{ message: 'expired', extensions: { code: 'UNAUTHENTICATED' } }];
      send({ type: 'error', id: message.id, payload: errors });
    });
    assert.deepEqual(await cursorsOf(client.subscribe<Entry>(FOLLOW), 1), ['c1']);
    assert.deepEqual(asked, ['connect', 'renew']);
    assert.equal(sockets.size, 2);
  });

  test('is refused for good tells all who are on it', async (t) => {
    const { client, asked } = await converse(t, ({ message, close }) => {
      if (message.type === 'connection_init') close(4403);
    });
    const refused = [1, 2].map(() =>
      assert.rejects(client.subscribe<Entry>(FOLLOW).next(), (error: unknown) => {
        assert.ok(error instanceof RealtimeError);
        assert.equal(error.closeCode, 4403);
        return true;
      }),
    );
    await Promise.all(refused);
    assert.equal(asked[0], 'connect');
    assert.ok(asked.slice(1).every((why) => why === 'renew'));
  });
});
